//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

package shell

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	sdkshell "github.com/hashicorp/packer-plugin-sdk/shell"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/internal/host/shellscript"
)

// Config is the configuration of a provisioner "shell".
type Config struct {
	sdkshell.Provisioner               `mapstructure:",squash"`
	sdkshell.ProvisionerRemoteSpecific `mapstructure:",squash"`

	// The interpreter of inline commands, "/bin/sh -e" by default. Commands
	// that begin with "#!" say themselves what runs them.
	InlineShebang string `mapstructure:"inline_shebang"`
	// Write the variables to a file on the guest that the script's shell
	// reads, so that they are not on its command line. {{.EnvVarFile}} is that
	// file in execute_command.
	UseEnvVarFile bool `mapstructure:"use_env_var_file"`
	// The directory on the guest for scripts, "/tmp" by default.
	RemoteFolder string `mapstructure:"remote_folder"`
	// The name of a script on the guest; by default one that nothing has.
	RemoteFile string `mapstructure:"remote_file"`
	// How long to try to start a script, "5m" by default. A guest that
	// restarts does not answer for a while.
	StartRetryTimeout time.Duration `mapstructure:"start_retry_timeout"`
	// Leave the scripts on the guest.
	SkipClean bool `mapstructure:"skip_clean"`
	// The connection may end during a script, as it does when the guest
	// restarts.
	ExpectDisconnect bool `mapstructure:"expect_disconnect"`
	// How long to wait after the last script.
	PauseAfter time.Duration `mapstructure:"pause_after"`

	ctx     interpolate.Context
	env     map[string]string
	shebang bool   // inline_shebang is given
	varFile string // on the guest, or ""
}

func (c *Config) decode(raws ...any) error {
	err := config.Decode(c, &config.DecodeOpts{
		PluginType:         "shell",
		Interpolate:        true,
		InterpolateContext: &c.ctx,
		InterpolateFilter:  &interpolate.RenderFilter{Exclude: []string{"execute_command"}},
	}, raws...)
	if err != nil {
		return err
	}
	c.setDefaults()
	return c.validate()
}

func (c *Config) setDefaults() {
	c.shebang = c.InlineShebang != ""
	c.InlineShebang = cmp.Or(c.InlineShebang, "/bin/sh -e")
	if c.UseEnvVarFile {
		c.EnvVarFormat = cmp.Or(c.EnvVarFormat, "export %s='%s'\n")
		c.ExecuteCommand = cmp.Or(c.ExecuteCommand, "chmod +x {{.Path}}; . {{.EnvVarFile}} && {{.Path}}")
	}
	c.EnvVarFormat = cmp.Or(c.EnvVarFormat, "%s='%s' ")
	c.ExecuteCommand = cmp.Or(c.ExecuteCommand, "chmod +x {{.Path}}; {{.Vars}} {{.Path}}")
	if c.StartRetryTimeout == 0 {
		c.StartRetryTimeout = 5 * time.Minute
	}
	unique := strings.ToLower(rand.Text()[:8])
	c.RemoteFolder = cmp.Or(c.RemoteFolder, "/tmp")
	c.RemoteFile = cmp.Or(c.RemoteFile, "script_"+unique+".sh")
	c.RemotePath = cmp.Or(c.RemotePath, path.Join(c.RemoteFolder, c.RemoteFile))
	if c.UseEnvVarFile {
		c.varFile = path.Join(c.RemoteFolder, "varfile_"+unique+".sh")
	}
	if c.Script != "" && len(c.Scripts) == 0 {
		c.Scripts = []string{c.Script}
	}
}

func (c *Config) validate() error {
	var faults *packersdk.MultiError
	if n := given(len(c.Inline) > 0, c.Script != "", c.Script == "" && len(c.Scripts) > 0); n != 1 {
		faults = packersdk.MultiErrorAppend(faults, errors.New("inline, script, scripts: give exactly one of them"))
	}
	for _, name := range c.Scripts {
		if _, err := os.Stat(name); err != nil {
			faults = packersdk.MultiErrorAppend(faults, fmt.Errorf("script: %w", err))
		}
	}
	env, wrong := shellscript.Parse(c.Vars)
	for name, value := range c.Env {
		env[name] = value
	}
	c.env = env
	for _, err := range wrong {
		faults = packersdk.MultiErrorAppend(faults, fmt.Errorf("environment_vars: %w", err))
	}
	if faults != nil && len(faults.Errors) > 0 {
		return faults
	}
	return nil
}

func given(options ...bool) int {
	n := 0
	for _, is := range options {
		if is {
			n++
		}
	}
	return n
}
