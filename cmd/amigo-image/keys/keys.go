// Package keys makes, shows and replaces the keys of a repository.
package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

const exitStatus = `
EXIT STATUS
  0    done
  1    anything not named here
  2    wrong arguments`

const exitStatusKeys = exitStatus + `
  25   the keys, or the one that is needed, are not here`

// Dir is the directory of the keys, the flag of every command that signs.
type Dir struct{ Path string } // "": the default

// Add adds the flag to a command.
func (k *Dir) Add(c *cobra.Command) {
	c.Flags().StringVar(&k.Path, "keys", "", "the `DIRECTORY` of the keys (default $XDG_CONFIG_HOME/amigo-image/keys)")
}

func (k *Dir) path() (string, error) {
	if k.Path != "" {
		return k.Path, nil
	}
	return tuf.DefaultDir()
}

// Ring opens the directory of the keys.
func (k *Dir) Ring() (*tuf.Ring, error) {
	dir, err := k.path()
	if err != nil {
		return nil, err
	}
	ring, err := tuf.OpenRing(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault.Error{What: "there are no keys here yet", Where: dir, Try: "amigo-image keys init", Code: fault.NotFound, Err: err}
	}
	return ring, err
}

// RingIfAny opens the directory of the keys, or returns nil if there is none and
// no flag names one: a command that only reads does without.
func (k *Dir) RingIfAny() (*tuf.Ring, error) {
	ring, err := k.Ring()
	if k.Path == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ring, err
}

// NewCommand is for the keys of a repository.
func NewCommand(a *cli.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "keys",
		GroupID: "publish",
		Short:   "create, show and replace the keys of a repository",
		Long: `A repository has five kinds of keys. The root key signs which keys are valid. The
targets key signs which channels there are. Each channel has a key of its own. The
online key signs every few days what is current. The minisign key is for people who
verify checksums with minisign.

A machine that publishes needs its channel's key, online.key, minisign.key,
minisign.pub and metadata/. Keep root.key and targets.key away from it.

Several people can hold root keys. A new root is then pending until enough of them
have signed it, each on their own computer.

If the keys have a password, set ` + tuf.PasswordVariable + `.`,
		Example: "  amigo-image keys init\n  amigo-image keys show\n  amigo-image keys rotate online",
	}
	a.Parent(c)
	c.AddCommand(newInitCommand(a), newNewCommand(a), newRotateCommand(a), newShowCommand(a), newSignCommand(a))
	return c
}

func newInitCommand(a *cli.App) *cobra.Command {
	var k Dir
	var setup tuf.Setup
	c := &cobra.Command{
		Use:   "init",
		Short: "create the keys of a new repository",
		Long: `Create the keys of a new repository and its first signed metadata, in a directory
that does not exist yet. The first publish uploads the metadata.

With --root-key you add the root keys of other people, who created them with "keys
new". If more keys have to sign than are here, the first root is pending until they
have: see "keys sign". Existing keys are never replaced.
` + exitStatus,
		Example: "  amigo-image keys init\n  amigo-image keys init --root-key berta.pub --root-key carl.pub \\\n    --root-threshold 2",
		Args:    cli.NoArguments,
		RunE:    func(*cobra.Command, []string) error { return runInit(a, k, setup) },
	}
	k.Add(c)
	flags := c.Flags()
	flags.StringSliceVar(&setup.Channels, "channels", []string{"stable", "nightly"}, "the channels, the most trusted first")
	cli.IntVar(flags, &setup.RootKeys, "root-keys", 1, 1, "how many root keys to create here")
	flags.StringArrayVar(&setup.RootPublic, "root-key", nil, "a `FILE` with the public root key of another person (repeatable)")
	cli.IntVar(flags, &setup.RootThreshold, "root-threshold", 1, 1, "how many root keys have to sign a root")
	cli.Deliberate(flags, "root-key", "root-keys", "root-threshold")
	return c
}

func runInit(a *cli.App, k Dir, setup tuf.Setup) error {
	dir, err := k.path()
	if err != nil {
		return err
	}
	ring, err := tuf.CreateRing(dir, setup, tuf.DefaultPolicy(), time.Now())
	if err != nil {
		return err
	}
	return showKeys(a, ring, "keep a copy of root.key and targets.key where no machine publishes from, then: amigo-image publish --to REPOSITORY")
}

func newShowCommand(a *cli.App) *cobra.Command {
	var k Dir
	c := &cobra.Command{
		Use:     "show",
		Short:   "show which keys sign what, and which of them are here",
		Long:    "Show which keys may sign, which of them are here, and until when root and targets\nare valid.\n" + exitStatusKeys,
		Example: "  amigo-image keys show\n  amigo-image keys show --json | jq -r .first_root_sha256",
		Args:    cli.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			ring, err := k.Ring()
			if err != nil {
				return err
			}
			return showKeys(a, ring, "")
		},
	}
	k.Add(c)
	return c
}

func newRotateCommand(a *cli.App) *cobra.Command {
	var k Dir
	var rotation tuf.Rotation
	c := &cobra.Command{
		Use:   "rotate [root|targets|online|CHANNEL]",
		Short: "replace a key, or sign root and targets for another year",
		Long: `Replace a key with a new one. This needs the root key, or for a channel the targets
key. With --add it creates a new channel. Without a name, rotate signs root and
targets again for another year. Readers learn of it with the next publish or
refresh; until then the old key, moved to retired/, still signs.

If root keys are held elsewhere, the new root is pending until their holders have
signed it: see "keys sign". Nothing changes before that. "rotate root" replaces the
root keys here; --root-key, --drop and --root-threshold add and remove those of
other people.
` + exitStatusKeys,
		Example: "  amigo-image keys rotate online\n  amigo-image keys rotate nightly --keep   both sign until the next one\n" +
			"  amigo-image keys rotate root --root-key dora.pub --drop 1f0c9b7a\n  amigo-image keys rotate",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cli.Usage("one key at a time", c.CommandPath()+" "+args[0])
			}
			rotation.Name = strings.Join(args, "")
			return runRotate(a, c, k, rotation)
		},
	}
	k.Add(c)
	c.Flags().BoolVar(&rotation.Keep, "keep", false, "let the old key sign as well, until the next rotation")
	c.Flags().BoolVar(&rotation.Add, "add", false, "add a new channel")
	c.Flags().StringArrayVar(&rotation.RootKeys, "root-key", nil, "add the public root key in this `FILE`, of another person (repeatable)")
	c.Flags().StringArrayVar(&rotation.Drop, "drop", nil, "remove the root key with this `ID` or prefix of one (repeatable)")
	cli.IntVar(c.Flags(), &rotation.RootThreshold, "root-threshold", 0, 0, "how many root keys have to sign a root from now on (default: as before)")
	cli.Deliberate(c.Flags(), "keep", "add", "root-key", "drop", "root-threshold")
	return c
}

func runRotate(a *cli.App, c *cobra.Command, k Dir, rotation tuf.Rotation) error {
	ring, err := k.Ring()
	if err != nil {
		return err
	}
	rotated, err := ring.Rotate(rotation, tuf.DefaultPolicy(), time.Now())
	if unknown := (*tuf.UnknownChannelError)(nil); errors.As(err, &unknown) {
		return unknownKey(c, unknown)
	}
	if err != nil {
		return err
	}
	for _, file := range rotated.Files {
		if !a.Quiet && !a.JSON && rotated.Pending == nil {
			fmt.Fprintf(cli.Stderr, "signed %s\n", filepath.Base(file.Path))
		}
	}
	return showKeys(a, ring, "amigo-image refresh --to REPOSITORY, so that readers learn of it")
}

// unknownKey says which keys there are.
func unknownKey(c *cobra.Command, unknown *tuf.UnknownChannelError) error {
	known := append([]string{"root", "targets", tuf.Online}, unknown.Known...)
	try := c.CommandPath() + " " + unknown.Channel + " --add"
	if near := cli.Meant(unknown.Channel, known); near != "" {
		try = c.CommandPath() + " " + near
	}
	return &fault.Error{What: fmt.Sprintf("there is no key %q", unknown.Channel), Where: "there are: " + strings.Join(known, ", "), Try: try, Code: fault.NotFound, Err: unknown}
}

// showKeys shows a ring, and what to do next.
func showKeys(a *cli.App, ring *tuf.Ring, next string) error {
	d, err := ring.Describe(tuf.DefaultPolicy(), time.Now())
	if err != nil {
		return err
	}
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			tuf.Description
		}{"result", d})
	}
	if a.Quiet {
		fmt.Fprintln(cli.Stdout, d.Dir)
		return nil
	}
	fmt.Fprintf(cli.Stdout, "%s\nroot %d until %s%s\n\n", d.Dir, d.Root.Version, d.Root.Expires.Format(time.DateOnly), targetsOf(d))
	for i, key := range d.Keys {
		fmt.Fprintf(cli.Stdout, "%-12s %-17s %s  %s\n", nameOnce(d.Keys, i), tuf.ShortID(key.ID), need(d.Keys, i), where(d.Dir, key.File))
	}
	fmt.Fprintln(cli.Stdout)
	if d.First != "" {
		fmt.Fprintf(cli.Stdout, "first root   sha256 %s\n", d.First)
	}
	if d.Minisign != "" {
		fmt.Fprintf(cli.Stdout, "minisign     %s\n", d.Minisign)
	}
	if p := d.Pending; p != nil {
		fmt.Fprintf(cli.Stdout, "pending      root %d lacks %s\n", p.Version, tuf.Wanted(p.Lacks))
		next = "send " + p.File + " to a holder of such a key; what comes back: amigo-image keys sign FILE"
	}
	for _, file := range ring.Exposed() {
		fmt.Fprintf(cli.Stderr, "warning: other users can read the private key %s: chmod 600 %s\n", file, file)
	}
	for _, due := range d.Due {
		fmt.Fprintf(cli.Stderr, "warning: %s is good until %s only: amigo-image keys rotate\n", due.Role, due.Expires.Format(time.DateOnly))
	}
	if next != "" {
		fmt.Fprintf(cli.Stderr, "next: %s\n", next)
	}
	return nil
}

// targetsOf tells of the targets, which who only signs roots does not have.
func targetsOf(d tuf.Description) string {
	if d.Targets.Version == 0 {
		return ""
	}
	return fmt.Sprintf(", targets %d until %s", d.Targets.Version, d.Targets.Expires.Format(time.DateOnly))
}

func nameOnce(keys []tuf.DescribedKey, i int) string {
	if i > 0 && keys[i-1].Name == keys[i].Name {
		return ""
	}
	return keys[i].Name
}

// need says how many keys of a name have to sign, if there is a choice.
func need(keys []tuf.DescribedKey, i int) string {
	if nameOnce(keys, i) == "" {
		return strings.Repeat(" ", 6)
	}
	last := slices.IndexFunc(keys[i:], func(k tuf.DescribedKey) bool { return k.Name != keys[i].Name })
	if last < 0 {
		last = len(keys) - i
	}
	return fmt.Sprintf("%d of %d", keys[i].Threshold, last)
}

func where(dir, file string) string {
	if file == "" {
		return "not here"
	}
	if short, err := filepath.Rel(dir, file); err == nil {
		return short
	}
	return file
}
