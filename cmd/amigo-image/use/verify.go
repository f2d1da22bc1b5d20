package use

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func newVerifyCommand(a *cli.App) *cobra.Command {
	var f sourceFlags
	c := &cobra.Command{
		Use:     "verify FILE|CHANNEL|VERSION...",
		GroupID: "use",
		Short:   "check that a file is what its publisher signed",
		Long: `Check published files, however you got them, and images in the store. A channel
stands for the version it points at. Without a network, verify uses the metadata
it saw last, and says so.

EXIT STATUS
  0    all are as signed
  20   the repository that was named cannot be reached
  21   a file is not as signed, not from this repository, or revoked
  25   there is no such file`,
		Example:           "  amigo-image verify amigo-2026-11-22-distribution.qcow2\n  amigo-image verify stable\n  amigo-image verify --from https://images.example.org *.qcow2",
		ValidArgsFunction: completeFiles,
		RunE:              func(c *cobra.Command, args []string) error { return runVerify(a, c, args, &f) },
	}
	f.add(c.Flags())
	f.addOffline(c.Flags())
	return c
}

// verified is what was found out about a file.
type verified struct {
	Type      string    `json:"type"`
	File      string    `json:"file"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	Verified  bool      `json:"verified"`
	Version   string    `json:"version"`
	Variant   string    `json:"variant,omitempty"`
	Signature string    `json:"signature"`
	Freshness string    `json:"freshness"`
	Channel   string    `json:"channel,omitempty"`
	Revoked   string    `json:"revoked,omitempty"` // why it should not be used
	Built     string    `json:"built"`
	Expires   time.Time `json:"expires,omitzero"`
}

// verifier looks for files in one repository.
type verifier struct {
	app        *cli.App
	reporter   *cli.Reporter
	store      imagestore.Store
	location   string
	repository *obtain.Repository // nil: it cannot be asked
	known      imagestore.Known
}

func runVerify(a *cli.App, c *cobra.Command, args []string, f *sourceFlags) error {
	if len(args) == 0 {
		return cli.Usage("verify takes files or versions", "amigo-image verify amigo-*.qcow2")
	}
	if err := checkFiles(args); err != nil {
		return err
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("verify")
	if err != nil {
		return err
	}
	defer r.Close()
	v := &verifier{app: a, reporter: r, store: store}
	if err := v.open(c.Context(), f); err != nil {
		return err
	}
	var errs []error
	for _, name := range args {
		if err := v.verify(c.Context(), name); err != nil {
			errs = append(errs, cli.FaultOf(err))
		}
	}
	return errors.Join(errs...)
}

// open reads the repository's state, if it can be asked.
func (v *verifier) open(ctx context.Context, f *sourceFlags) (err error) {
	if v.location, err = f.location(v.store); err != nil {
		return err
	}
	if v.known, err = v.store.Known(); err != nil {
		return err
	}
	if f.offline {
		return nil
	}
	f.hurry = f.from == ""
	v.repository, err = f.open(ctx, v.reporter, v.store)
	if err != nil && f.from == "" && fault.Of(err).Code == fault.Network && ctx.Err() == nil {
		v.reporter.Say("%s; checking by what was seen earlier", fault.Of(err).What)
		return nil
	}
	return err
}

// verify checks one file, or the images of a version in the store.
func (v *verifier) verify(ctx context.Context, name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		return v.file(ctx, name, nil)
	}
	version, err := v.version(ctx, name)
	if err != nil {
		return err
	}
	images, err := v.store.Images()
	if err != nil {
		return err
	}
	found := false
	for _, image := range images {
		if image.Version == version || image.Name() == version {
			found = true
			if err := v.file(ctx, image.Disk(), obtain.RawDisk(image)); err != nil {
				return err
			}
		}
	}
	switch {
	case found:
		return nil
	case version != name:
		return &fault.Error{
			What: fmt.Sprintf("%s is %s, which is not here", name, version), Code: fault.NotFound, Err: fs.ErrNotExist,
			Try: command.Cmd{Name: "amigo-image", Args: []string{"pull", address.Shown(v.location), name}}.String(),
		}
	case info != nil:
		return cli.Usage(name+" is a directory", "amigo-image verify "+filepath.Join(name, "FILE"))
	default:
		return &fault.Error{What: fmt.Sprintf("there is neither a file %q nor such a channel or version here", name), Code: fault.NotFound, Err: fs.ErrNotExist}
	}
}

// version returns the version that a channel points at, as far as that is known,
// or else the name itself.
func (v *verifier) version(ctx context.Context, name string) (string, error) {
	if v.repository == nil {
		return v.known.Version(name), nil
	}
	if !slices.Contains(v.repository.View.Channels(), name) {
		return name, nil
	}
	choice, err := v.repository.Resolve(ctx, name)
	return choice.Version, err
}

// file checks a file, of which may be known what it should be.
func (v *verifier) file(ctx context.Context, path string, should *obtain.Published) error {
	size, digest, err := hashFile(ctx, path, v.reporter)
	if err != nil {
		return err
	}
	found, ok, err := v.find(ctx, filepath.Base(path), digest)
	if err != nil {
		return err
	}
	if should != nil && found.SHA256 != should.SHA256 {
		found, ok = *should, true
	}
	if !ok {
		return &fault.Error{
			What: filepath.Base(path) + " is not a file of this repository", Code: fault.Verify,
			Where: address.Shown(v.location) + "\nsha256 " + digest, Do: fault.Retry(fault.HomeRepository),
		}
	}
	if found.SHA256 != digest {
		return &fault.Error{
			What: filepath.Base(path) + " is not what was signed", Code: fault.Verify,
			Where: fmt.Sprintf("found    %d bytes, sha256 %s\nexpected %d bytes, sha256 %s", size, digest, found.Size, found.SHA256),
			Try:   "download it again, and do not use this file",
		}
	}
	if other := v.misnamed(ctx, path, found); other != "" {
		v.reporter.Warn(fmt.Sprintf("%s is named after version %s, but it is version %s", filepath.Base(path), other, found.Version.Version))
	}
	out := v.words(path, found)
	out.Revoked = v.revoked(found)
	out.Verified = out.Revoked == ""
	if err := v.show(out); err != nil || out.Verified {
		return err
	}
	return revokedFault(out.Version, out.Revoked)
}

// revoked returns why readers are told not to use a version, as far as that is known.
func (v *verifier) revoked(found obtain.Published) string {
	switch {
	case found.Choice.Revoked != nil:
		return found.Choice.Revoked.Reason
	case v.repository == nil && address.Same(v.known.Repository, v.location):
		return v.known.Revoked[found.Version.Version]
	}
	return ""
}

func (v *verifier) find(ctx context.Context, name, digest string) (obtain.Published, bool, error) {
	if v.repository == nil {
		return obtain.Remembered(v.store, v.location, name, digest)
	}
	return v.repository.Find(ctx, name, digest)
}

// words says what is known of a file that is good.
func (v *verifier) words(path string, found obtain.Published) verified {
	out := verified{
		Type: "verified", File: path, Size: found.Size, SHA256: found.SHA256,
		Version: found.Version.Version, Variant: found.Variant, Built: builtFrom(found.Version),
		Signature: "ok   by the manifest that was verified when it came",
		Freshness: "not checked: the repository was last asked " + v.known.Seen.Format(time.DateOnly),
	}
	if v.known.Seen.IsZero() {
		out.Freshness = "not checked: the repository was not asked"
	}
	if v.repository == nil {
		return out
	}
	root := v.repository.View.Root()
	out.Expires = v.repository.View.Expires()
	out.Signature = fmt.Sprintf("ok   channel %s; root %d, %s", found.Choice.Channel, root.Version, pinned(root, false))
	out.Freshness = "ok   the repository's state holds until " + out.Expires.Format("2006-01-02 15:04 MST")
	out.Channel = found.Choice.Channel + " (formerly)"
	if found.Choice.Current {
		out.Channel = found.Choice.Channel + " (current)"
	}
	return out
}

// dataIn adds what data there are to a line.
func dataIn(g manifest.GOlr) string {
	switch {
	case manifest.IsExample(g.DOI):
		return ", " + manifest.NotCited
	case g.Date != "":
		return ", GO data " + g.Date
	}
	return ""
}

func builtFrom(v layout.VersionManifest) string {
	text := v.AmiGO.Title()
	if v.AmiGO.Commit != "" {
		text += " (" + v.AmiGO.Commit[:min(7, len(v.AmiGO.Commit))] + ")"
	}
	text += dataIn(v.GOlr)
	return text + ", on " + v.Created.Format(time.DateOnly)
}

func (v *verifier) show(out verified) error {
	if v.app.JSON {
		return v.reporter.Object(out)
	}
	v.reporter.Settle()
	if v.app.Quiet {
		if out.Verified {
			fmt.Fprintln(cli.Stdout, "VERIFIED "+out.File+" "+labelOf(out.Version, out.Variant))
		}
		return nil
	}
	for _, line := range []struct{ name, text string }{
		{"file", cli.Relative(out.File) + "   " + bytesize.Of(out.Size)},
		{"digest", "ok   sha256 " + out.SHA256[:8] + ".." + out.SHA256[60:]},
		{"signature", out.Signature}, {"freshness", out.Freshness}, {"channel", out.Channel},
		{"version", labelOf(out.Version, out.Variant)}, {"built from", out.Built}, {"revoked", out.Revoked},
	} {
		if line.text != "" {
			fmt.Fprintln(cli.Stdout, terminal.Wrapped(os.Stdout, fmt.Sprintf("%-10s %s", line.name, line.text)))
		}
	}
	if !out.Verified {
		return nil
	}
	_, _ = fmt.Fprintln(cli.Stdout.Coloured(), terminal.Painter(os.Stdout, v.app.Colour)("VERIFIED", "ok"))
	return nil
}

// misnamed returns the version that a file's name has and the file is not.
func (v *verifier) misnamed(ctx context.Context, path string, found obtain.Published) string {
	name, versions := filepath.Base(path), v.known.Versions
	if v.repository != nil {
		choices, _, _ := v.repository.Choices(ctx)
		for _, c := range choices {
			versions = append(versions, c.Version)
		}
	}
	own := []string{found.Version.Version, found.Version.Holder(found.Name)}
	at := slices.IndexFunc(versions, func(other string) bool { return !slices.Contains(own, other) && strings.Contains(name, "-"+other+"-") })
	if at < 0 {
		return ""
	}
	return versions[at]
}

// hashFile returns the size and the SHA-256 digest of a file, whose holes cost
// no reading.
func hashFile(ctx context.Context, path string, r *cli.Reporter) (size int64, digest string, err error) {
	f, err := regular.Open(path)
	if err != nil {
		return 0, "", fmt.Errorf("reading a file to verify: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, "", fmt.Errorf("reading a file to verify: %w", err)
	}
	hash := sha256.New()
	phase := event.Start(r, "hash", filepath.Base(path))
	err = sparse.Hash(ctx, hash, f, info.Size(), func(done int64) { phase.Progress(done, info.Size(), event.Bytes) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return info.Size(), hex.EncodeToString(hash.Sum(nil)), phase.End(event.OK, bytesize.Of(info.Size()), err)
}
