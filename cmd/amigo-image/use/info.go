package use

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

func newInfoCommand(a *cli.App) *cobra.Command {
	var f sourceFlags
	c := &cobra.Command{
		Use:     "info [REPOSITORY] CHANNEL|VERSION|NAME",
		GroupID: "use",
		Short:   "show details of an image or machine",
		Long: `Show a version in the repository, an image here, or a machine.

EXIT STATUS
  0    shown
  20   the repository cannot be reached
  25   there is no such image or machine`,
		Example:           "  amigo-image info stable\n  amigo-image info --json 2026-11-22 | jq .manifest.files",
		ValidArgsFunction: completeNames,
		RunE:              func(c *cobra.Command, args []string) error { return runInfo(a, c, args, &f) },
	}
	f.add(c.Flags())
	f.addOffline(c.Flags())
	return c
}

func runInfo(a *cli.App, c *cobra.Command, args []string, f *sourceFlags) error {
	rest, err := f.split(c, args, 1)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return cli.Usage("info takes one name", "amigo-image list")
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("info")
	if err != nil {
		return err
	}
	defer r.Close()
	if m, err := store.Machine(c.Context(), rest[0]); err == nil && f.from == "" {
		return showMachine(a, r, m)
	}
	version, err := describeVersion(c.Context(), r, store, f, rest[0])
	if err != nil {
		return err
	}
	images, err := store.Images()
	if err != nil {
		return err
	}
	if a.JSON {
		return r.Object(struct {
			Type     string                 `json:"type"`
			Channel  string                 `json:"channel,omitempty"`
			Revoked  string                 `json:"revoked,omitempty"`
			Manifest layout.VersionManifest `json:"manifest"`
		}{"version", version.channel, version.revoked, version.manifest})
	}
	showVersion(version, images)
	return nil
}

// describeVersion finds the manifest of a version: what is here is not asked for.
func describeVersion(ctx context.Context, r *cli.Reporter, store imagestore.Store, f *sourceFlags, name string) (described, error) {
	images, err := store.Images()
	if err != nil {
		return described{}, err
	}
	known, err := store.Known()
	if err != nil {
		return described{}, err
	}
	for _, image := range images {
		if image.Version == name || f.offline && known.Channels[name] == image.Version {
			return described{manifest: image.Manifest, revoked: known.RevokedImage(image)}, nil
		}
	}
	location, _, err := f.choose(store)
	if err != nil {
		return described{}, err
	}
	if location == "" || f.offline {
		return described{}, notHere(ctx, store, name)
	}
	repository, err := f.open(ctx, r, store)
	if err != nil {
		return described{}, err
	}
	choice, err := repository.Resolve(ctx, name)
	var revoked *trust.RevokedError
	if err != nil && !errors.As(err, &revoked) {
		return described{}, err
	}
	d := described{channel: choice.Channel}
	if revoked != nil {
		d.revoked = revoked.Reason
	}
	d.manifest, _, err = repository.Manifest(ctx, choice)
	return d, err
}

// described is a version, and what its repository says of it.
type described struct {
	manifest layout.VersionManifest
	channel  string // "" if it was not asked
	revoked  string // why it should not be used, or ""
}

// notHere says that nothing here has a name, and which might be meant.
func notHere(ctx context.Context, store imagestore.Store, name string) error {
	var known []string
	images, _ := store.Images()
	for _, image := range images {
		known = append(known, labelOf(image.Version, image.Variant))
	}
	machines, _ := store.Machines(ctx)
	for _, m := range machines {
		known = append(known, m.Name)
	}
	slices.Sort(known)
	return &fault.Error{
		What: fmt.Sprintf("there is no %q here", name), Code: fault.NotFound,
		Try: cli.Named("amigo-image info", name, slices.Compact(known)),
	}
}

// fact is a line of info.
type fact struct{ name, text string }

func writeFacts(facts []fact) {
	for _, f := range facts {
		if f.text != "" {
			fmt.Fprintln(cli.Stdout, terminal.Wrapped(os.Stdout, fmt.Sprintf("%-12s %s", f.name, f.text)))
		}
	}
}

func showVersion(d described, images []imagestore.Image) {
	v := d.manifest
	writeFacts([]fact{
		{"version", v.Version},
		{"channel", d.channel},
		{"revoked", d.revoked},
		{"made", v.Created.Format("2006-01-02 15:04 MST")},
		{"before it", v.Previous},
		{"GO data", manifest.Words(v.GOlr.Date, v.GOlr.DOI)},
		{"documents", countOr(v.GOlr.Documents)},
		{"AmiGO", strings.TrimSpace(v.AmiGO.Version + " " + v.AmiGO.Commit)},
		{"system", v.System.Name},
		{"kernel", v.System.Kernel},
	})
	for _, image := range v.Images {
		fmt.Fprintln(cli.Stdout)
		writeFacts(imageFacts(v, image, images))
	}
}

// countOr returns a number as people write it, or "" for none.
func countOr(n int64) string {
	if n == 0 {
		return ""
	}
	return humanize.Comma(n)
}

func imageFacts(v layout.VersionManifest, image layout.Image, here []imagestore.Image) []fact {
	facts := []fact{
		{"variant", image.Variant},
		{"raw disk", rawDisk(image)},
		{"raw sha256", image.Disk.SHA256},
		{"boot test", bootTest(image)},
		{"data", whereDataAre(image)},
	}
	for _, local := range here {
		if local.Version == v.Version && local.Variant == image.Variant {
			facts = append(facts, fact{"here", local.Disk()}, fact{"takes", bytesize.Of(local.Allocated)})
		}
	}
	for _, file := range v.Files {
		for _, name := range image.Files {
			if name == file.Name {
				facts = append(facts, fact{string(file.Role), fmt.Sprintf("%s  %s", file.Name, bytesize.Of(file.Size))})
				if file.Role == manifest.Disk {
					facts = append(facts, fact{"sha256", file.SHA256})
				}
			}
		}
	}
	return facts
}

func rawDisk(image layout.Image) string {
	if image.Packages == 0 {
		return bytesize.Of(image.Disk.Size)
	}
	return bytesize.Of(image.Disk.Size) + ", " + cli.Count(image.Packages, "package")
}

// whereDataAre says which disk has the data of a system, and of data since when they are
// there; "" if that goes without saying.
func whereDataAre(image layout.Image) string {
	switch {
	case image.Data != "":
		return "on a disk of their own, the variant " + image.Data
	case image.In != "":
		return "the same as in " + image.In
	}
	return ""
}

func bootTest(image layout.Image) string {
	t := image.BootTest
	if t.Checks == 0 {
		return ""
	}
	var boots []string
	for _, b := range t.Boots {
		boots = append(boots, fmt.Sprintf("%s %.0f s", b.Firmware, b.Serving))
	}
	text := fmt.Sprintf("%d checks passed; serves after %s (%s)", t.Checks, strings.Join(boots, ", "), t.Accelerator)
	if t.FirstTry != "" {
		text += "; second try (" + t.FirstTry + ")"
	}
	return text
}

func showMachine(a *cli.App, r *cli.Reporter, m imagestore.Machine) error {
	if a.JSON {
		return r.Object(newStarted("machine", m))
	}
	version := labelOf(m.Version, m.Variant)
	if m.Version == "" {
		version = ""
	}
	writeFacts([]fact{
		{"machine", m.Name}, {"state", stateOf(m)}, {"address", m.URL}, {"version", version}, {"made from", m.Backing},
		{"GO data", manifest.Words(m.Date, m.DOI)}, {"made", m.Created.Format(time.RFC3339)}, {"changes", bytesize.Of(m.Allocated)},
		{"your keys", keyLogin(m)}, {"host key", m.HostKey},
	})
	return nil
}

// keyLogin is how the user's own keys get in.
func keyLogin(m imagestore.Machine) string {
	if m.SSHPort == 0 || m.User == "" {
		return ""
	}
	return fmt.Sprintf("ssh -p %d %s@127.0.0.1", m.SSHPort, m.User)
}
