package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// makeRing opens the directory of the keys, which need not be there: whoever
// only signs roots begins with nothing.
func (k *Dir) makeRing() (*tuf.Ring, error) {
	dir, err := k.path()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of keys: %w", err)
	}
	return tuf.OpenRing(dir)
}

func newNewCommand(a *cli.App) *cobra.Command {
	var k Dir
	c := &cobra.Command{
		Use:   "new [FILE.key]",
		Short: "create a root key of your own",
		Long: `Create a root key, and its public half in FILE.pub. Where several people hold the
root keys of a repository, each creates one and gives only the .pub file to the
person who runs "keys init" or "keys rotate root". The default FILE is root.key in
the directory of the keys. An existing file is never replaced.
` + exitStatus,
		Example: "  amigo-image keys new\n  amigo-image keys new /media/stick/berta.key",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cli.Usage("one key at a time", c.CommandPath()+" "+args[0])
			}
			return runNew(a, k, strings.Join(args, ""))
		},
	}
	k.Add(c)
	return c
}

func runNew(a *cli.App, k Dir, file string) error {
	if file == "" {
		ring, err := k.makeRing()
		if err != nil {
			return err
		}
		file = ring.FreeRootKey()
	}
	made, err := tuf.GenerateKey(file)
	if errors.Is(err, fs.ErrExist) {
		return &fault.Error{What: "there is such a file already", Where: err.Error(), Kept: "nothing was changed", Try: "another name", Code: fault.Other, Err: err}
	}
	if err != nil {
		return err
	}
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			tuf.NewKey
		}{"result", made})
	}
	if a.Quiet {
		fmt.Fprintln(cli.Stdout, made.Public)
		return nil
	}
	fmt.Fprintf(cli.Stdout, "root         %s  %s\n", tuf.ShortID(made.ID), made.File)
	fmt.Fprintf(cli.Stderr, "next: send %s to whoever creates the repository, and tell them %s over another channel\n", made.Public, tuf.ShortID(made.ID))
	return nil
}

func newSignCommand(a *cli.App) *cobra.Command {
	var k Dir
	var key string
	var yes bool
	c := &cobra.Command{
		Use:   "sign FILE",
		Short: "sign a root that others made, or add their signatures",
		Long: `Show what a new root changes compared with the newest one here, ask, and add your
signature to the file. Send the file back to the person who made it, or on to the
next who has to sign. There, the same command adds the signatures. A root that has
enough of them, from the old keys and from the new ones, is kept, and the next
publish or refresh uploads it.
` + exitStatus + `
  21   the file is not a root that follows the newest one, or was altered
  25   there is no such file, or no key to sign with`,
		Example: "  amigo-image keys sign 2.root.json\n  amigo-image keys sign 2.root.json --key /media/stick/berta.key",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("sign takes the file of a root", c.CommandPath()+" 2.root.json")
			}
			return runSign(a, k, args[0], key, yes)
		},
	}
	k.Add(c)
	c.Flags().StringVar(&key, "key", "", "sign with the key in this `FILE` (default the root keys in the directory of the keys)")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "sign without asking")
	cli.Deliberate(c.Flags(), "key", "yes")
	return c
}

func runSign(a *cli.App, k Dir, file, key string, yes bool) error {
	ring, err := k.makeRing()
	if err != nil {
		return err
	}
	p, err := ring.Propose(file, key, time.Now())
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{What: "there is no file " + file, Kept: "nothing was changed", Code: fault.NotFound, Err: err}
	}
	if err != nil {
		return err
	}
	if !a.Quiet && !a.JSON {
		fmt.Fprint(cli.Stdout, proposed(p))
	}
	if p.Asks() && !yes {
		if err := agreed(file, key, k.Path); err != nil {
			return err
		}
	}
	pending, err := p.Sign()
	if err != nil {
		return err
	}
	return signed(a, p, pending)
}

// agreed asks whether to sign.
func agreed(file, key, dir string) error {
	try := "amigo-image keys sign " + file + " --yes"
	for _, flag := range []struct{ name, value string }{{"--key", key}, {"--keys", dir}} {
		if flag.value != "" {
			try += " " + flag.name + " " + flag.value
		}
	}
	ask := cli.Asker()
	if ask == nil {
		return cli.Usage("nothing is signed before somebody says yes", try)
	}
	answer, err := ask("is that what you want? [y/N]")
	if yes := strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"); err != nil || !yes {
		return &fault.Error{What: "not signed", Kept: "nothing was changed", Code: fault.Other, Err: err}
	}
	return nil
}

// proposed tells in words what a root changes.
func proposed(p *tuf.Proposal) string {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	c := p.Change
	switch {
	case p.Known:
		fmt.Fprintf(&text, "root %d is here already, and good\n", c.Version)
		return text.String()
	case c.Before > 0:
		fmt.Fprintf(&text, "root %d, after root %d\n", c.Version, c.Before)
	default:
		fmt.Fprintf(&text, "root %d, the first one here: compare the keys with their holders\n", c.Version)
	}
	for _, name := range c.Names {
		line(name.Name, "%s", changeOf(name))
	}
	if c.Before > 0 {
		line("good until", "%s, before %s", c.Expires.Format(time.DateOnly), c.Was.Format(time.DateOnly))
	} else {
		line("good until", "%s", c.Expires.Format(time.DateOnly))
	}
	if len(p.Signed) > 0 {
		line("signed by", "%s", ids(p.Signed))
	}
	if len(p.Again) > 0 {
		line("yours", "%s, which has signed already and counts once", ids(p.Again))
	}
	if len(p.Mine) > 0 {
		line("signs now", "%s", ids(p.Mine))
	}
	return text.String()
}

// changeOf tells which keys of a name come and go.
func changeOf(c tuf.ChangeOfName) string {
	have := len(c.Comes) + len(c.Stays)
	need := fmt.Sprintf("%d of %d", c.Threshold, have)
	if c.Was != 0 && c.Was != c.Threshold {
		need += fmt.Sprintf(" (before %d of %d)", c.Was, len(c.Goes)+len(c.Stays))
	}
	if c.Unchanged() {
		return need + ", unchanged"
	}
	for _, part := range []struct {
		keys []string
		verb string
	}{{c.Comes, "new"}, {c.Goes, "gone"}, {c.Stays, "as before"}} {
		if len(part.keys) > 0 {
			need += ", " + part.verb + " " + ids(part.keys)
		}
	}
	return need
}

func ids(all []string) string {
	var texts []string
	for _, id := range all {
		texts = append(texts, tuf.ShortID(id))
	}
	return strings.Join(texts, " ")
}

// signed tells how far a root is.
func signed(a *cli.App, p *tuf.Proposal, pending *tuf.Pending) error {
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			*tuf.Proposal
			Missing []tuf.Lack `json:"missing"`
		}{"result", p, missing(pending)})
	}
	if a.Quiet || p.Known {
		return nil
	}
	if pending == nil {
		fmt.Fprintf(cli.Stdout, "root %d has all the signatures that it needs\n", p.Change.Version)
	} else {
		fmt.Fprintf(cli.Stdout, "root %d lacks %s\n", p.Change.Version, tuf.Wanted(pending.Lacks))
	}
	if next := afterSigning(p, pending); next != "" {
		fmt.Fprintf(cli.Stderr, "next: %s\n", next)
	}
	return nil
}

func missing(pending *tuf.Pending) []tuf.Lack {
	if pending == nil {
		return []tuf.Lack{}
	}
	return pending.Lacks
}

// afterSigning says what to do next.
func afterSigning(p *tuf.Proposal, pending *tuf.Pending) string {
	switch {
	case pending != nil:
		return "send " + pending.File + " to a holder of such a key, who runs: amigo-image keys sign " + filepath.Base(pending.File)
	case p.Pending && p.Change.Version == 1:
		return "amigo-image publish --to REPOSITORY"
	case p.Pending:
		return "amigo-image refresh --to REPOSITORY, so that readers learn of it"
	case len(p.Mine) == 0:
		return ""
	default:
		return "send " + p.File + " back to whoever made it, who runs: amigo-image keys sign " + filepath.Base(p.File)
	}
}
