package plugins

import (
	"context"
	"os"
	"slices"

	goversion "github.com/hashicorp/go-version"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin"
)

const exitStatusInstall = `
EXIT STATUS
  0    done
  1    anything not named here
  2    wrong arguments
  20   a host cannot be reached  21   a checksum is wrong
  25   there is no such plugin`

// gitHubToken is the variable with a token of GitHub's, as Packer has it.
const gitHubToken = "PACKER_GITHUB_API_TOKEN" //nolint:gosec // the name of one

// downloader is where plugins come from.
type downloader struct{ mirror string }

func (d *downloader) add(flags *pflag.FlagSet) {
	flags.StringVar(&d.mirror, "mirror", "", "download from a mirror, a `DIRECTORY` or a URL, only")
}

// download installs a plugin's newest release that does.
func (d *downloader) download(ctx context.Context, a *cli.App, required pipeline.RequiredPlugin) error {
	places := plugin.Published(required.Source, os.Getenv(gitHubToken))
	if d.mirror != "" {
		places = []plugin.Releases{plugin.Mirror(d.mirror)}
	}
	if len(places) == 0 {
		return &fault.Error{
			What: required.Source + " is not on GitHub: it can only be installed from a file or a mirror",
			Try:  "amigo-image plugins install --path FILE " + required.Source, Code: fault.Usage,
		}
	}
	dir, err := plugin.Dir()
	if err != nil {
		return err
	}
	p, err := plugin.Download(ctx, dir, required, places)
	if err != nil {
		return err
	}
	return show(a, p)
}

func newInstallCommand(a *cli.App) *cobra.Command {
	var file string
	var d downloader
	c := &cobra.Command{
		Use:   "install SOURCE [VERSIONS]",
		Short: "install a plugin",
		Long: `Install the newest release of a plugin, or the newest that meets a constraint, from
where SOURCE is published: github.com/hashicorp/qemu is a repository on GitHub.
The archive must have the checksum that its release says. With a token in
$PACKER_GITHUB_API_TOKEN, GitHub lets you ask more often.

With --path, install a plugin from a file. The file is asked for its version; one of
that version is replaced.
` + exitStatusInstall,
		Example: "  amigo-image plugins install github.com/hashicorp/qemu '~> 1.1'\n" +
			"  amigo-image plugins install --mirror DIR github.com/hashicorp/qemu\n" +
			"  amigo-image plugins install --path ./plugin github.com/hashicorp/qemu",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 || len(args) == 2 && file != "" {
				return cli.Usage("install takes a source and, without --path, perhaps versions", c.CommandPath()+" github.com/hashicorp/qemu")
			}
			if err := plugin.CheckSource(args[0]); err != nil {
				return cli.Usage(err.Error(), c.CommandPath()+" --help")
			}
			if file != "" {
				return installFile(c.Context(), a, file, args[0])
			}
			constraints, err := constraintsOf(c, args)
			if err != nil {
				return err
			}
			return d.download(c.Context(), a, pipeline.RequiredPlugin{Source: args[0], Constraints: constraints})
		},
	}
	c.Flags().StringVar(&file, "path", "", "install the plugin in a `FILE`")
	c.Flags().Bool("force", false, "for scripts that use Packer; changes nothing")
	_ = c.Flags().MarkHidden("force")
	d.add(c.Flags())
	return c
}

func installFile(ctx context.Context, a *cli.App, file, source string) error {
	dir, err := plugin.Dir()
	if err != nil {
		return err
	}
	p, err := plugin.Install(ctx, dir, file, source)
	if err != nil {
		return err
	}
	return show(a, p)
}

// constraintsOf returns the versions that a second argument allows; without it, all.
func constraintsOf(c *cobra.Command, args []string) (goversion.Constraints, error) {
	if len(args) < 2 {
		return nil, nil
	}
	constraints, err := goversion.NewConstraint(args[1])
	if err != nil {
		return nil, cli.Usage("\""+args[1]+"\" is not a constraint on versions", c.CommandPath()+" "+args[0]+" '< 1.1.0'")
	}
	return constraints, nil
}

func newInitCommand(a *cli.App) *cobra.Command {
	var d downloader
	var upgrade, force bool
	c := &cobra.Command{
		Use:     "init [TEMPLATE]",
		GroupID: "build",
		Short:   "install the plugins that a template requires",
		Long: `Install the plugins that the required_plugins of a template name, unless they are
installed. Nothing else is changed, and init can be run again at any time. Plugins are
programs that run as you do: read what a template requires before you run it.
` + exitStatusInstall,
		Example: "  amigo-image init .",
		RunE: func(c *cobra.Command, args []string) error {
			required, err := requirements(c, args)
			if err != nil {
				return err
			}
			for _, r := range required {
				if err := d.provide(c.Context(), a, r, upgrade, force); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&force, "force", false, "install also what is installed, as it was released")
	c.Flags().BoolVar(&upgrade, "upgrade", false, "install newer versions of what is installed, too")
	d.add(c.Flags())
	return c
}

// provide installs a plugin, unless this program has its components, or a release that
// does is installed.
func (d *downloader) provide(ctx context.Context, a *cli.App, required pipeline.RequiredPlugin, upgrade, force bool) error {
	if a.Registry.Provides(required.Name) {
		return nil
	}
	found, err := installed(ctx, func(source, _ string) bool { return source == required.Source })
	if err != nil {
		return err
	}
	at := slices.IndexFunc(found, func(p plugin.Plugin) bool { return p.Version.Prerelease() == "" && required.Meets(p.Version) })
	switch {
	case at >= 0 && !upgrade && !force:
		return nil
	case at >= 0 && !upgrade:
		required.Constraints = goversion.MustConstraints(goversion.NewConstraint(found[at].Version.String()))
	}
	return d.download(ctx, a, required)
}
