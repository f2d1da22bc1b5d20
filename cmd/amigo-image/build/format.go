package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// notFormatted is the exit status of fmt --check, as in Packer.
const notFormatted = 3

type formatFlags struct{ check, diff, write, recursive bool }

func newFormatCommand(a *cli.App) *cobra.Command {
	var f formatFlags
	c := &cobra.Command{
		Use:     "fmt [TEMPLATE]",
		GroupID: "build",
		Short:   "format templates",
		Long: `Format a template and its files of variables, *.pkr.hcl and *.pkrvars.hcl, and print
the names of those that were not. TEMPLATE is a file, a directory, or "-" for standard
input, which is written to standard output.

EXIT STATUS
  0    everything is formatted now
  1    a file can't be read, or is not HCL
  2    wrong arguments
  3    with --check: something is not formatted`,
		Example: "  amigo-image fmt .\n  amigo-image fmt --check --diff --recursive .",
		RunE:    func(c *cobra.Command, args []string) error { return runFormat(a, c, args, f) },
	}
	c.Flags().BoolVar(&f.check, "check", false, "write nothing, and exit with 3 if something is not formatted")
	c.Flags().BoolVar(&f.diff, "diff", false, "show what changes")
	c.Flags().BoolVar(&f.write, "write", true, "write the files")
	c.Flags().BoolVar(&f.recursive, "recursive", false, "format the files of all directories below, too")
	return c
}

func runFormat(a *cli.App, c *cobra.Command, args []string, f formatFlags) error {
	path, err := cli.Argument(c, args)
	if err != nil {
		return err
	}
	if path == "-" {
		return f.stream(c.Context())
	}
	files, err := f.find(path)
	if err != nil {
		return err
	}
	changed, failed := 0, error(nil)
	for _, name := range files {
		one, err := f.format(name)
		if wrong := (*pipeline.TemplateError)(nil); errors.As(err, &wrong) {
			a.ShowTemplate(wrong)
			failed = cli.NotValid(wrong)
			continue
		}
		if err != nil {
			return err
		}
		if one {
			changed++
		}
	}
	if failed == nil && f.check && changed > 0 {
		return &cli.StatusError{Status: notFormatted}
	}
	return failed
}

// stream formats standard input.
func (f formatFlags) stream(ctx context.Context) error {
	text, err := regular.ReadGiven(ctx, "/dev/stdin", regular.Document)
	if err != nil {
		return err
	}
	formatted, err := pipeline.Format("<stdin>", text)
	if err != nil {
		return err
	}
	if f.check {
		if !bytes.Equal(text, formatted) {
			return &cli.StatusError{Status: notFormatted}
		}
		return nil
	}
	_, _ = cli.Stdout.Exact().Write(formatted)
	return nil
}

// find returns the files that are meant.
func (f formatFlags) find(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && at != path && !f.recursive:
			return filepath.SkipDir
		case !entry.IsDir() && (strings.HasSuffix(at, ".pkr.hcl") || strings.HasSuffix(at, ".pkrvars.hcl")):
			files = append(files, at)
		}
		return nil
	})
	return files, err
}

// format formats a file, and reports whether it was not formatted.
func (f formatFlags) format(name string) (bool, error) {
	text, err := regular.ReadFile(name, regular.Document)
	if err != nil {
		return false, err
	}
	formatted, err := pipeline.Format(name, text)
	if err != nil || bytes.Equal(text, formatted) {
		return false, err
	}
	fmt.Fprintln(cli.Stdout, name)
	if f.diff {
		fmt.Fprint(cli.Stdout, string(diff.Diff("old/"+name, text, "new/"+name, formatted)))
	}
	if f.check || !f.write {
		return true, nil
	}
	return true, replace(name, formatted)
}

// replace writes a file whole, with the mode that it has, where a link leads to.
func replace(name string, content []byte) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	return durable.WriteFile(target, content, info.Mode().Perm())
}
