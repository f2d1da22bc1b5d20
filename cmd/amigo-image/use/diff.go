package use

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// diffFlags are the flags of "diff".
type diffFlags struct {
	all        bool
	format     string
	source     string
	repository sourceFlags
}

func newDiffCommand(a *cli.App) *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:     "diff [REPOSITORY] OLD NEW",
		GroupID: "use",
		Short:   "show what changed between two images or versions",
		Long: `Show what changed: the data, AmiGO's commits, sizes, packages, and the CVEs that
the packages' changelogs name between the two. OLD and NEW are channels or
versions in the repository, or the directories of a build.

EXIT STATUS
  0    shown
  2    wrong arguments
  20   the repository cannot be reached
  25   there is no such image`,
		Example: "  amigo-image diff stable nightly\n  amigo-image diff stable nightly --format markdown\n" +
			"  amigo-image diff old/output output\n  amigo-image diff --json OLD NEW | jq .packages.changed",
		ValidArgsFunction: completeFiles,
		RunE:              func(c *cobra.Command, args []string) error { return runDiff(a, c, args, &f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.all, "all", false, "show all packages and commits, not only the first")
	flags.StringVar(&f.format, "format", "text", "text or markdown")
	f.repository.add(flags)
	flags.StringVar(&f.source, "amigo", "", "read AmiGO's commits from the git repository in this `DIRECTORY`")
	return c
}

func runDiff(a *cli.App, c *cobra.Command, args []string, f *diffFlags) error {
	if len(args) == 3 {
		rest, err := f.repository.split(c, args, 2)
		if err != nil {
			return err
		}
		args = rest
	}
	if len(args) != 2 {
		return cli.Usage("diff takes an old and a new image", c.CommandPath()+" stable nightly")
	}
	if f.format != "text" && f.format != "markdown" {
		return cli.Usage("--format is text or markdown", c.CommandPath()+" --format markdown OLD NEW")
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("diff")
	if err != nil {
		return err
	}
	defer r.Close()
	finder := &finder{reporter: r, store: store, flags: &f.repository}
	found, err := compare(c.Context(), finder.load, args[0], args[1], f.source)
	if err != nil {
		return err
	}
	switch {
	case a.JSON:
		return r.Object(struct {
			Type string `json:"type"`
			changes.Changes
		}{"changes", found.Document()})
	case f.format == "markdown":
		return found.WriteMarkdown(cli.Stdout)
	default:
		var text strings.Builder
		err := found.WriteText(&text, f.all)
		fmt.Fprint(cli.Stdout, terminal.Wrapped(os.Stdout, printable.Escape(text.String())))
		return err
	}
}

func compare(ctx context.Context, load changes.Loader, old, now, source string) (changes.Changes, error) {
	before, err := load(ctx, old)
	if err != nil {
		return changes.Changes{}, err
	}
	after, err := load(ctx, now)
	if err != nil {
		return changes.Changes{}, err
	}
	found := changes.Compare(before, after)
	if err := found.Measure(before, after); err != nil {
		return found, err
	}
	if source != "" {
		err = found.AmiGO.Log(ctx, source)
	}
	return found, err
}

// finder finds what the arguments of "diff" name.
type finder struct {
	reporter   *cli.Reporter
	store      imagestore.Store
	flags      *sourceFlags
	repository *obtain.Repository // nil: not asked yet
}

func (f *finder) load(ctx context.Context, reference string) (changes.Side, error) {
	side, err := changes.Load(ctx, reference)
	var none *changes.NoImageError
	if !errors.As(err, &none) {
		return side, err
	}
	location, _, err := f.flags.choose(f.store)
	if err != nil {
		return side, err
	}
	if location == "" || layout.CheckChannel(reference) != nil && layout.CheckVersion(reference) != nil {
		return side, &fault.Error{
			What: "no image is described in " + reference, Code: fault.NotFound, Err: none,
			Try: "the directory of an image or of a version, with its manifest.json,\nor --from REPOSITORY and a channel or a version",
		}
	}
	return f.published(ctx, reference)
}

// published finds a channel or version of the repository.
func (f *finder) published(ctx context.Context, name string) (changes.Side, error) {
	if f.repository == nil {
		repository, err := f.flags.open(ctx, f.reporter, f.store)
		if err != nil {
			return changes.Side{}, err
		}
		f.repository = repository
	}
	choice, err := f.repository.Resolve(ctx, name)
	if err != nil {
		return changes.Side{}, err
	}
	return f.repository.Side(ctx, choice)
}
