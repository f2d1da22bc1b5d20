package use

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/diskspace"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// pullFlags are the flags of pull.
type pullFlags struct {
	sourceFlags
	which
	output string
	format string
	dryRun bool
}

const exitStatusPull = `
EXIT STATUS
  0    the image is there, verified
  2    wrong arguments           20   the repository cannot be reached
  21   something is not what was signed, or is out of date
  22   no space                  25   there is no such channel or version
  130  interrupted; what was downloaded is kept`

func newPullCommand(a *cli.App) *cobra.Command {
	var f pullFlags
	c := &cobra.Command{
		Use:     "pull [REPOSITORY] [CHANNEL|VERSION]",
		GroupID: "use",
		Short:   "download an image, or only what is new in it, and verify it",
		Long: `Download an image into the store and verify it. Data that older images here
already have is not downloaded again, and an interrupted pull resumes where it
stopped. Without a name, pull takes the repository's first channel.

The first repository you pull from becomes the default. To use another, set
` + RepositoryVariable + `=URL in the environment; to change the default, write
{"repository": "URL"} to ~/.config/amigo-image/config.json.
` + exitStatusPull,
		Example: "  amigo-image pull https://images.example.org stable\n  amigo-image pull stable --dry-run\n" +
			"  amigo-image pull 2026-11-22 --output amigo.qcow2",
		ValidArgsFunction: completeNames,
		RunE:              func(c *cobra.Command, args []string) error { return runPull(a, c, args, &f) },
	}
	flags := c.Flags()
	f.sourceFlags.add(flags)
	f.addOffline(flags)
	f.which.add(flags)
	flags.StringVarP(&f.output, "output", "o", "", "also write the disk to this `FILE`")
	flags.StringVar(&f.format, "format", "", "format of --output: qcow2, raw or vmdk (default by the file's name)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be downloaded, and stop")
	return c
}

func runPull(a *cli.App, c *cobra.Command, args []string, f *pullFlags) error {
	rest, err := f.split(c, args, 1)
	if err != nil {
		return err
	}
	if len(rest) == 1 && f.from == "" && address.Guess(rest[0]) != "" { // no name has its form
		f.from, rest = rest[0], nil
	}
	if len(rest) > 1 {
		return cli.Usage("one channel or version at a time", c.CommandPath()+" "+rest[0])
	}
	format, err := f.outputFormat(c)
	if err != nil {
		return err
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	if f.dryRun {
		preview, done, err := previewOf(store)
		if err != nil {
			return err
		}
		defer done()
		store, f.preview = preview, true
	}
	r, err := a.Reporter("pull")
	if err != nil {
		return err
	}
	defer r.Close()
	name := strings.Join(rest, "")
	image, err := obtainImage(c.Context(), r, store, &f.sourceFlags, wanted{name: name, variants: f.names(), dryRun: f.dryRun})
	if err != nil || f.dryRun {
		return err
	}
	if f.output != "" {
		if err := pull.Export(c.Context(), image.Disk(), format, f.output, r); err != nil {
			return err
		}
	}
	return showPulled(r, image, f.again(store, name), f.output)
}

// previewOf returns a store for a dry run, which must be ended with done: a
// repository that is only looked at is not trusted from then on.
func previewOf(store imagestore.Store) (preview imagestore.Store, done func(), err error) {
	dir, err := scratch.New(os.TempDir(), "preview")
	if err != nil {
		return store, nil, err
	}
	if preview, err = store.Preview(dir.Path()); err != nil {
		dir.Close()
		return store, nil, err
	}
	return preview, dir.Close, nil
}

// outputFormat is the format that was asked for, or that the file's name says.
func (f *pullFlags) outputFormat(c *cobra.Command) (pull.Format, error) {
	format := f.format
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(f.output), ".")
	}
	if f.output == "" && f.format == "" || slices.Contains(pull.Formats, pull.Format(format)) {
		return pull.Format(format), nil
	}
	return "", cli.Usage(fmt.Sprintf("%q is not a disk format", format), c.CommandPath()+" ... --format qcow2")
}

// again is the name that stands for the image when no repository is named, or
// "": a channel's stands for another image if this repository is not the one
// that is used then.
func (f *pullFlags) again(store imagestore.Store, name string) string {
	here, _, err := f.choose(store)
	usual, _, failed := (&sourceFlags{}).choose(store)
	if errors.Join(err, failed) != nil || here != usual {
		return ""
	}
	return name
}

// showPulled is the last word of a pull. name is that of the image, or "".
func showPulled(r *cli.Reporter, image imagestore.Image, name, output string) error {
	path := image.Disk()
	if output != "" {
		path = output
	}
	facts, _ := image.Manifest.Image(image.Variant)
	err := r.Result(struct {
		Type     string `json:"type"`
		Version  string `json:"version"`
		Variant  string `json:"variant"`
		Path     string `json:"path"`
		SHA256   string `json:"sha256"` // of the raw disk
		Verified bool   `json:"verified"`
	}{"result", image.Version, image.Variant, path, facts.Disk.SHA256, true}, path)
	r.Say("next: %s", "amigo-image run "+cmp.Or(name, image.Version)+whichIs(image.Variant).flags())
	return err
}

// wanted is the image that somebody asks for.
type wanted struct {
	name     string   // of a channel or version; "": the first channel
	variants []string // of which one will do, the best first
	dryRun   bool
	revoked  bool // one that is here will do, with a warning
}

// obtainImage brings an image into the store, and the one with its data if that is apart,
// unless they are there.
func obtainImage(ctx context.Context, r *cli.Reporter, store imagestore.Store, f *sourceFlags, w wanted) (imagestore.Image, error) {
	image, err := obtainOne(ctx, r, store, f, w)
	if err != nil || w.dryRun {
		return image, err
	}
	_, apart, err := store.Data(image)
	if apart && err != nil {
		w.name, w.variants = image.Version, []string{manifest.DataVariant}
		_, err = obtainOne(ctx, r, store, f, w)
	}
	return image, err
}

// obtainOne brings one image into the store, unless it is there.
func obtainOne(ctx context.Context, r *cli.Reporter, store imagestore.Store, f *sourceFlags, w wanted) (imagestore.Image, error) {
	if image, err := here(store, w.name, w.variants); err == nil && f.from == "" {
		r.Say("%s is here already", labelOf(image.Version, image.Variant))
		return image, errors.Join(store.Touch(image), w.heed(r, store, image))
	}
	if f.offline {
		return offline(r, store, w)
	}
	repository, err := f.open(ctx, r, store)
	if err != nil {
		return imagestore.Image{}, err
	}
	if channels := repository.View.Channels(); w.name == "" && len(channels) > 0 {
		w.name = channels[0]
	}
	choice, err := repository.Resolve(ctx, w.name)
	if err != nil {
		return imagestore.Image{}, err
	}
	if image, err := here(store, choice.Version, w.variants); err == nil {
		if !choice.Is(image) {
			return image, taken(image)
		}
		r.Say("%s is %s, which is here already", w.name, labelOf(choice.Version, image.Variant))
		return image, errors.Join(store.Touch(image), f.remember(ctx, store, repository, true), w.heed(r, store, image))
	}
	return download(ctx, r, store, f, repository, choice, w)
}

// download brings an image that is not here.
func download(ctx context.Context, r *cli.Reporter, store imagestore.Store, f *sourceFlags, repository *obtain.Repository, choice obtain.Choice, w wanted) (imagestore.Image, error) {
	plan, err := repository.Plan(ctx, choice, w.variants...)
	if err != nil {
		return imagestore.Image{}, err
	}
	defer func() { _ = plan.Close() }()
	if err := announce(r, store, repository, plan, w); err != nil {
		return imagestore.Image{}, err
	}
	if w.dryRun {
		return imagestore.Image{}, announceData(ctx, r, store, repository, plan, w)
	}
	if err := f.remember(ctx, store, repository, true); err != nil {
		return imagestore.Image{}, err
	}
	image, result, err := repository.Pull(ctx, plan, r)
	if err != nil {
		return image, broken(ctx, err, result)
	}
	return image, r.Object(fetched{"fetched", result.Fetched, result.Kept, result.Reused, result.Ranges, result.Elapsed.Round(100 * time.Millisecond).Seconds()})
}

// fetched is what a pull moved, for programs.
type fetched struct {
	Type    string  `json:"type"`
	Fetched int64   `json:"fetched"` // bytes that came now
	Kept    int64   `json:"kept"`    // bytes that came earlier
	Reused  int64   `json:"reused"`  // bytes of the disk that were here
	Ranges  int     `json:"requests"`
	Seconds float64 `json:"seconds"`
}

// taken says that a version's name stands for another repository's here.
func taken(image imagestore.Image) error {
	name := labelOf(image.Version, image.Variant)
	return &fault.Error{
		What: name + " is here from another repository, and is not the same", Where: address.Shown(image.Source.Repository), Code: fault.Other,
		Try: "amigo-image rm " + name + "   # then the same again", Kept: "the image that is here",
	}
}

// offline finds an image by what was last seen of the repository.
func offline(r *cli.Reporter, store imagestore.Store, w wanted) (imagestore.Image, error) {
	known, err := store.Known()
	if err != nil {
		return imagestore.Image{}, err
	}
	version := known.Version(w.name)
	image, err := here(store, version, w.variants)
	if err != nil {
		return image, &fault.Error{What: fmt.Sprintf("%q is not here, and --offline keeps from asking for it", w.name), Code: fault.NotFound, Try: "amigo-image list", Err: err}
	}
	r.Say("offline: %s was %s on %s", w.name, version, known.Seen.Format(time.DateOnly))
	return image, errors.Join(store.Touch(image), w.heed(r, store, image))
}

// heed sees to what the publisher says of an image that is here. To pull one that was
// revoked is an error, as it is when it is not here; to run it draws a warning, since
// somebody may have to look into it.
func (w wanted) heed(r *cli.Reporter, store imagestore.Store, image imagestore.Image) error {
	known, err := store.Known()
	reason := known.RevokedImage(image)
	if err != nil || reason == "" {
		return err
	}
	if w.revoked {
		r.Warn(fmt.Sprintf("its publisher revoked version %s: %s", image.Version, reason))
		return nil
	}
	return revokedFault(image.Version, reason)
}

// revokedFault says that a version that is here should not be used.
func revokedFault(version, reason string) error {
	return &fault.Error{What: fmt.Sprintf("its publisher revoked version %s", version), Where: reason, Code: fault.Verify, Do: fault.To(fault.ListImages)}
}

// broken says what of a pull that failed is kept.
func broken(ctx context.Context, err error, result pull.Stats) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	f := cli.FaultOf(err)
	f.Kept = ""
	if got := result.Kept + result.Fetched; got > 0 {
		f.Kept = bytesize.Of(got) + ", and the same command resumes"
	}
	return f
}

// announced is what a pull is about to do, for programs.
type announced struct {
	Type    string    `json:"type"`
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Variant string    `json:"variant"`
	Bytes   int64     `json:"bytes"` // to fetch, if no earlier pull left any
	Total   int64     `json:"total"` // of the whole download
	Reuse   int64     `json:"reuse"` // of the disk, from images that are here
	Disk    int64     `json:"disk"`  // what it takes here
	Root    int64     `json:"root"`
	Pinned  time.Time `json:"pinned"`
	Expires time.Time `json:"expires"`
	DryRun  bool      `json:"dry_run,omitempty"`
}

// announce tells what the image is, who signed it, and what is to be fetched.
func announce(r *cli.Reporter, store imagestore.Store, repository *obtain.Repository, p obtain.Download, w wanted) error {
	root, expires := repository.View.Root(), repository.View.Expires()
	r.Say("%s", whatItIs(w.name, p))
	r.Say("signed by root %d, %s; fresh %s", root.Version, pinned(root, w.dryRun), until(expires, time.Now()))
	seed := "nothing of it is here"
	if p.Steps.Reused > 0 {
		seed = "you have " + strings.TrimSuffix(p.Seed, "/"+defaultVariant)
	}
	free, most := "", ""
	if repository.Begun(p) {
		seed, most = "resuming an unfinished pull", "at most "
	}
	if bytes, ok := freeSpace(store.Path()); ok {
		free = ", " + bytesize.Of(bytes) + " free"
	}
	verb := "downloading "
	if w.dryRun {
		verb = "would download "
	}
	if p.Same != "" {
		r.Say("you have %s, which is the same: nothing to download", p.Same)
	} else {
		r.Say("%s: %s%s of %s; needs %s%s", seed, verb+most, bytesize.Of(p.Steps.Fetch), bytesize.Of(p.Total), bytesize.Of(p.Steps.Disk), free)
	}
	return r.Object(announced{
		Type: "plan", Name: w.name, Version: p.Choice.Version, Variant: p.Variant,
		Bytes: p.Steps.Fetch, Total: p.Total, Reuse: p.Steps.Reused, Disk: p.Steps.Disk,
		Root: root.Version, Pinned: root.Pinned, Expires: expires, DryRun: w.dryRun,
	})
}

// announceData tells what is to be fetched of the data, if they are apart.
func announceData(ctx context.Context, r *cli.Reporter, store imagestore.Store, repository *obtain.Repository, p obtain.Download, w wanted) error {
	if p.Image.Data == "" {
		return nil
	}
	w.name = p.Choice.Version
	if _, err := here(store, w.name, []string{p.Image.Data}); err == nil {
		return nil
	}
	data, err := repository.Plan(ctx, p.Choice, p.Image.Data)
	if err != nil {
		return err
	}
	return errors.Join(announce(r, store, repository, data, w), data.Close())
}

func whatItIs(name string, p obtain.Download) string {
	text := labelOf(p.Choice.Version, p.Variant)
	if name != p.Choice.Version {
		text = name + " is " + text
	}
	if p.Variant == manifest.DataVariant {
		return text + "   the data" + dataIn(p.Version.GOlr) + ", " + bytesize.Of(p.Total)
	}
	text += "   " + p.Version.AmiGO.Title()
	text += dataIn(p.Version.GOlr)
	return text + ", " + bytesize.Of(p.Total)
}

func pinned(root trust.Root, dryRun bool) string {
	switch {
	case root.PinnedNow && dryRun:
		return "not pinned yet"
	case root.PinnedNow:
		return "pinned just now"
	}
	return "pinned " + root.Pinned.Format(time.DateOnly)
}

// until says for how long something holds.
func until(end, now time.Time) string {
	switch left := end.Sub(now); {
	case left > 48*time.Hour:
		return fmt.Sprintf("for %d days", int(left.Hours()/24))
	default:
		return fmt.Sprintf("for %d hours", int(left.Hours()))
	}
}

// freeSpace returns what is free where the store is, or will be.
func freeSpace(path string) (int64, bool) {
	for {
		if free, err := diskspace.Free(path); err == nil {
			return free, true
		}
		parent := filepath.Dir(path)
		if parent == path {
			return 0, false
		}
		path = parent
	}
}
