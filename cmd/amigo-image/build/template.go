package build

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// templateFlags are the flags of every command that reads a template.
type templateFlags struct {
	values []string
	files  []string
	only   []string
	except []string
}

func (t *templateFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&t.values, "var", nil, "set a variable, `NAME=VALUE`")
	flags.StringArrayVar(&t.files, "var-file", nil, "set variables from an HCL or JSON `FILE`")
	flags.StringSliceVar(&t.only, "only", nil, "run only the builds that match these `GLOBS`")
	flags.StringSliceVar(&t.except, "except", nil, "skip the builds and post-processors that match these `GLOBS`")
}

func (t *templateFlags) parse(c *cobra.Command, args []string) (*pipeline.Template, error) {
	path, err := cli.Argument(c, args)
	if err != nil {
		return nil, err
	}
	read := func(name string) ([]byte, error) { return regular.ReadGiven(c.Context(), name, regular.Document) }
	template, err := pipeline.Parse(path, pipeline.Input{Environ: os.Environ(), Files: t.files, Values: t.values, Read: read})
	if stopped := context.Cause(c.Context()); stopped != nil {
		return nil, stopped
	}
	return template, err
}

func (t *templateFlags) options() pipeline.Options {
	return pipeline.Options{Only: t.only, Except: t.except}
}

// warn shows warnings, unless the output is for programs or is to be short.
func warn(a *cli.App, w *pipeline.TemplateError) {
	if w != nil && !a.JSON && !a.Quiet {
		a.ShowTemplate(w)
	}
}
