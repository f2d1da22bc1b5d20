// Package shelllocal runs commands on the host: the provisioner and the post-processor
// "shell-local" do. Its options are those of Packer's components of this name.
package shelllocal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	sdk "github.com/hashicorp/packer-plugin-sdk/shell-local"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/shellscript"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Commands are commands of a template. Reading the configuration is the SDK's work;
// running is not, so that no command outlives the build, and since the SDK's own way
// is not for builds that run at the same time.
type Commands struct{ config sdk.Config }

// ConfigSpec describes the configuration.
func (c *Commands) ConfigSpec() hcldec.ObjectSpec { return c.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration.
func (c *Commands) Prepare(raws ...any) error {
	if err := sdk.Decode(&c.config, raws...); err != nil {
		return err
	}
	return sdk.Validate(&c.config)
}

// InShell has a shell run an execute_command of one word, as post-processors have
// always done. It is called after Prepare.
func (c *Commands) InShell() {
	if len(c.config.ExecuteCommand) == 1 {
		c.config.ExecuteCommand = append([]string{"sh", "-c"}, c.config.ExecuteCommand...)
	}
}

// Run runs the commands. Data is what templates in them know.
func (c *Commands) Run(ctx context.Context, ui packersdk.Ui, data map[string]any) error {
	if len(c.config.OnlyOn) > 0 && !slices.Contains(c.config.OnlyOn, runtime.GOOS) {
		ui.Sayf("skipped: this host runs %s", runtime.GOOS)
		return nil
	}
	scripts := c.config.Scripts
	if len(c.config.Inline) > 0 {
		script, remove, err := c.inline(data)
		if err != nil {
			return err
		}
		defer remove()
		scripts = []string{script}
	}
	for _, script := range scripts {
		if err := c.run(ctx, ui, script, data); err != nil {
			return err
		}
	}
	return nil
}

// inline writes the inline commands to a script.
func (c *Commands) inline(data map[string]any) (path string, remove func(), err error) {
	commands, err := c.render("inline", c.config.Inline, data)
	if err != nil {
		return "", nil, err
	}
	pattern := "amigo-shell-*"
	if c.config.TempfileExtension != "" {
		pattern += "." + c.config.TempfileExtension
	}
	err = executable.While(func() error {
		f, err := os.CreateTemp("", pattern)
		if err != nil {
			return err
		}
		path = f.Name()
		_, err = f.WriteString(shellscript.Inline(c.config.InlineShebang, commands))
		return errors.Join(err, f.Chmod(0o700), f.Close())
	})
	remove = func() { _ = os.Remove(path) }
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("writing the inline script: %w", err)
	}
	return path, remove, nil
}

func (c *Commands) run(ctx context.Context, ui packersdk.Ui, script string, data map[string]any) error {
	words, err := c.words(script, data)
	if err != nil {
		return err
	}
	out, errs := event.NewLines(ui.Say), event.NewLines(ui.Error)
	err = command.Run(ctx, command.Cmd{Name: words[0], Args: words[1:], Stdout: out, Stderr: errs})
	_, _ = out.Close(), errs.Close()
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Code >= 0 {
		if c.config.ValidExitCode(exit.Code) == nil {
			return nil
		}
		return fmt.Errorf("%s: exit status %d", c.named(script), exit.Code)
	}
	if err == nil && c.config.ValidExitCode(0) != nil {
		return fmt.Errorf("%s: exit status 0, which valid_exit_codes does not list", c.named(script))
	}
	return err
}

// named is how errors call a script: by what the template says.
func (c *Commands) named(script string) string {
	if len(c.config.Inline) > 0 {
		return "inline script"
	}
	return script
}

// words is the command line that runs a script.
func (c *Commands) words(script string, data map[string]any) ([]string, error) {
	absolute, err := filepath.Abs(script)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", script, err)
	}
	env, err := c.environment(data)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(data)
	if values == nil {
		values = map[string]any{}
	}
	values["Script"], values["Command"] = absolute, absolute
	values["Vars"] = shellscript.Environment(c.config.EnvVarFormat, env)
	return c.render("execute_command", c.config.ExecuteCommand, values)
}

// environment returns the variables that the commands get.
func (c *Commands) environment(data map[string]any) (map[string]string, error) {
	rendered, err := c.render("environment_vars", c.config.Vars, data)
	if err != nil {
		return nil, err
	}
	env := component.Environment(c.config.PackerConfig, data)
	given, _ := shellscript.Parse(rendered) // Prepare has looked for faults
	maps.Copy(env, given)
	maps.Copy(env, c.config.Env)
	return env, nil
}

// render fills in what the build knows only now.
func (c *Commands) render(field string, texts []string, data map[string]any) ([]string, error) {
	ctx := &interpolate.Context{Data: data, BuildName: c.config.PackerBuildName, BuildType: c.config.PackerBuilderType}
	rendered := make([]string, len(texts))
	for i, text := range texts {
		if !strings.Contains(text, "{{") {
			rendered[i] = text
			continue
		}
		var err error
		if rendered[i], err = interpolate.Render(text, ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	return rendered, nil
}
