// Package shelllocal is the post-processor "shell-local": it runs commands on
// the host when an artifact is there. Its options are those of Packer's
// post-processor of this name.
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

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	sdk "github.com/hashicorp/packer-plugin-sdk/shell-local"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/shellscript"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// PostProcessor runs commands on the host. Reading the configuration is the
// SDK's work; running is not, so that no command outlives the build.
type PostProcessor struct{ config sdk.Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	if err := sdk.Decode(&p.config, raws...); err != nil {
		return err
	}
	return sdk.Validate(&p.config)
}

// PostProcess runs the commands and hands the artifact on.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	if len(p.config.OnlyOn) > 0 && !slices.Contains(p.config.OnlyOn, runtime.GOOS) {
		ui.Sayf("skipped: this host runs %s", runtime.GOOS)
		return input, true, true, nil
	}
	data, _ := input.State("generated_data").(map[string]any)
	scripts := p.config.Scripts
	if len(p.config.Inline) > 0 {
		script, remove, err := p.inline()
		if err != nil {
			return nil, true, true, err
		}
		defer remove()
		scripts = []string{script}
	}
	for _, script := range scripts {
		if err := p.run(ctx, ui, script, data); err != nil {
			return nil, true, true, err
		}
	}
	return input, true, true, nil
}

// inline writes the inline commands to a script.
func (p *PostProcessor) inline() (path string, remove func(), err error) {
	pattern := "amigo-shell-*"
	if p.config.TempfileExtension != "" {
		pattern += "." + p.config.TempfileExtension
	}
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", nil, fmt.Errorf("writing the inline script: %w", err)
	}
	remove = func() { _ = os.Remove(f.Name()) }
	_, err = f.WriteString(shellscript.Inline(p.config.InlineShebang, p.config.Inline))
	if err = errors.Join(err, f.Chmod(0o700), f.Close()); err != nil {
		remove()
		return "", nil, fmt.Errorf("writing the inline script: %w", err)
	}
	return f.Name(), remove, nil
}

func (p *PostProcessor) run(ctx context.Context, ui packersdk.Ui, script string, data map[string]any) error {
	words, err := p.words(script, data)
	if err != nil {
		return err
	}
	out, errs := event.NewLines(ui.Say), event.NewLines(ui.Error)
	err = command.Run(ctx, command.Cmd{Name: words[0], Args: words[1:], Stdout: out, Stderr: errs})
	_, _ = out.Close(), errs.Close()
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Code >= 0 {
		if p.config.ValidExitCode(exit.Code) == nil {
			return nil
		}
		return fmt.Errorf("%s: exit status %d", p.named(script), exit.Code)
	}
	if err == nil && p.config.ValidExitCode(0) != nil {
		return fmt.Errorf("%s: exit status 0, which valid_exit_codes does not list", p.named(script))
	}
	return err
}

// named is how errors call a script: by what the template says.
func (p *PostProcessor) named(script string) string {
	if len(p.config.Inline) > 0 {
		return "inline script"
	}
	return script
}

// words is the command line that runs a script.
func (p *PostProcessor) words(script string, data map[string]any) ([]string, error) {
	absolute, err := filepath.Abs(script)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", script, err)
	}
	values := map[string]any{}
	maps.Copy(values, data)
	values["Script"], values["Command"] = absolute, absolute
	values["Vars"] = shellscript.Environment(p.config.EnvVarFormat, p.environment())
	ctx := &interpolate.Context{Data: values, BuildName: p.config.PackerBuildName, BuildType: p.config.PackerBuilderType}
	words := make([]string, len(p.config.ExecuteCommand))
	for i, word := range p.config.ExecuteCommand {
		if words[i], err = interpolate.Render(word, ctx); err != nil {
			return nil, fmt.Errorf("execute_command: %w", err)
		}
	}
	return words, nil
}

func (p *PostProcessor) environment() map[string]string {
	env := map[string]string{
		"PACKER_BUILD_NAME":   p.config.PackerBuildName,
		"PACKER_BUILDER_TYPE": p.config.PackerBuilderType,
	}
	given, _ := shellscript.Parse(p.config.Vars)
	maps.Copy(env, given)
	maps.Copy(env, p.config.Env)
	return env
}
