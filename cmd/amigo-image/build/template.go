package build

import (
	"context"
	"log"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin"
)

// templateFlags are the flags of every command that reads a template.
type templateFlags struct {
	values []string
	files  []string
	only   []string
	except []string

	machine           bool // output as Packer's -machine-readable
	ignorePrereleases bool
	ignoreUndeclared  bool
	allowUnset        bool
}

func (t *templateFlags) add(flags *pflag.FlagSet) {
	t.addInput(flags)
	// Where a value is split, the names of builds decide: see [pipeline.Options].
	flags.StringArrayVar(&t.only, "only", nil, "run only the builds that match these `GLOBS`, or the one that has this name")
	flags.StringArrayVar(&t.except, "except", nil, "skip the builds and post-processors that match these `GLOBS`, or have this name")
	flags.BoolVar(&t.ignorePrereleases, "ignore-prerelease-plugins", false, "use only released plugins")
}

// addMachine adds the flag of the commands that can answer as Packer does.
func (t *templateFlags) addMachine(flags *pflag.FlagSet) {
	flags.BoolVar(&t.machine, "machine-readable", false, "write lines for programs, as Packer does (--json says more)")
}

// addInput adds the flags that set variables.
func (t *templateFlags) addInput(flags *pflag.FlagSet) {
	flags.StringArrayVar(&t.values, "var", nil, "set a variable, `NAME=VALUE`")
	flags.StringArrayVar(&t.files, "var-file", nil, "set variables from an HCL or JSON `FILE`")
	accept(flags, "use-sequential-evaluation")
}

// accept takes a flag of Packer's that changes nothing here, so that a script that gives
// it runs.
func accept(flags *pflag.FlagSet, name string) {
	flags.Bool(name, false, "for scripts that use Packer; changes nothing")
	_ = flags.MarkHidden(name)
}

func (t *templateFlags) parse(c *cobra.Command, args []string) (*pipeline.Template, error) {
	path, err := cli.Argument(c, args)
	if err != nil {
		return nil, err
	}
	read := func(name string) ([]byte, error) {
		if name == "-" {
			name = "/dev/stdin"
		}
		return regular.ReadGiven(c.Context(), name, regular.Document)
	}
	template, err := cli.Leave(c.Context(), func() (*pipeline.Template, error) {
		return pipeline.Parse(path, pipeline.Input{
			Environ: os.Environ(), Files: t.files, Values: t.values, Read: read,
			IgnoreUndeclared: t.ignoreUndeclared, AllowUnset: t.allowUnset,
		})
	})
	if stopped := context.Cause(c.Context()); stopped != nil {
		return nil, stopped
	}
	return template, err
}

// plan plans a template with this program's components, and with those of plugins if the
// template needs any.
func (t *templateFlags) plan(ctx context.Context, a *cli.App, template *pipeline.Template, options pipeline.Options) (*pipeline.Plan, error) {
	return cli.Leave(ctx, func() (*pipeline.Plan, error) {
		registry, err := components(ctx, a.Registry, template, t.ignorePrereleases)
		if err != nil {
			return nil, err
		}
		return template.Plan(ctx, registry, options)
	})
}

// Components returns the components of a template: our own, and those of installed
// plugins if it needs more. Their logs go to the log.
func Components(ctx context.Context, own pipeline.Registry, template *pipeline.Template) (pipeline.Registry, error) {
	return components(ctx, own, template, false)
}

func components(ctx context.Context, own pipeline.Registry, template *pipeline.Template, ignorePrereleases bool) (pipeline.Registry, error) {
	dir, err := plugin.Dir()
	if err != nil {
		return own, err
	}
	return plugin.Resolve(ctx, template, own, plugin.Settings{
		Dir: dir, IgnorePrereleases: ignorePrereleases, Log: func(line string) { log.Print(line) },
	})
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
