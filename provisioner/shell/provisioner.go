// Package shell is the provisioner "shell": it runs scripts on the guest. Its
// options are those of Packer's provisioner of this name.
package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/shellscript"
)

// retryPause is between two attempts to start a script.
const retryPause = 2 * time.Second

// Provisioner runs scripts on the guest.
type Provisioner struct{ config Config }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec describes the configuration.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration.
func (p *Provisioner) Prepare(raws ...any) error { return p.config.decode(raws...) }

// Provision runs the scripts, one after the other.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any) error {
	if !component.HasGuest(data) {
		return errors.New("there is no guest to run scripts on (use a shell-local provisioner to run them on this host)")
	}
	if err := p.uploadVariables(ctx, comm, data); err != nil {
		return err
	}
	if len(p.config.Inline) > 0 {
		script, err := p.inline(data)
		if err != nil {
			return err
		}
		if err := p.run(ctx, ui, comm, data, script, "inline script"); err != nil {
			return err
		}
	}
	for _, name := range p.config.Scripts {
		script, err := regular.ReadFile(name, maxScript)
		if err != nil {
			return fmt.Errorf("reading a script: %w", err)
		}
		if err := p.run(ctx, ui, comm, data, script, name); err != nil {
			return err
		}
	}
	if p.config.varFile != "" && !p.config.SkipClean {
		if err := p.remove(ctx, comm, p.config.varFile); err != nil {
			return err
		}
	}
	if p.config.PauseAfter > 0 {
		ui.Sayf("waiting %s", p.config.PauseAfter)
	}
	return wait(ctx, p.config.PauseAfter)
}

// inline returns the script of the inline commands.
func (p *Provisioner) inline(data map[string]any) ([]byte, error) {
	var commands []string
	for _, text := range p.config.Inline {
		command, err := p.render(text, data)
		if err != nil {
			return nil, fmt.Errorf("inline: %w", err)
		}
		commands = append(commands, command)
	}
	if !p.config.shebang && strings.HasPrefix(commands[0], "#!") {
		return []byte(strings.Join(commands, "\n") + "\n"), nil
	}
	return []byte(shellscript.Inline(p.config.InlineShebang, commands)), nil
}

// uploadVariables writes the file of variables on the guest, for its owner alone.
func (p *Provisioner) uploadVariables(ctx context.Context, comm packersdk.Communicator, data map[string]any) error {
	if p.config.varFile == "" {
		return nil
	}
	text := shellscript.Environment(p.config.EnvVarFormat, p.environment(data))
	err := retry(ctx, p.config.StartRetryTimeout, func() error {
		if err := comm.Upload(p.config.varFile, strings.NewReader(text), nil); err != nil {
			return err
		}
		return start(ctx, comm, "chmod 0600 "+p.config.varFile)
	})
	if err != nil {
		return fmt.Errorf("uploading the variables: %w", err)
	}
	return nil
}

// maxScript is how many bytes a script may have: some carry an archive.
const maxScript = 1 << 30

// run uploads a script, runs it and removes it.
func (p *Provisioner) run(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any, script []byte, name string) error {
	line, err := p.command(data)
	if err != nil {
		return err
	}
	if !p.config.Binary {
		script = bytes.ReplaceAll(script, []byte("\r\n"), []byte("\n"))
	}
	ui.Say(name)
	var status int
	uploadAndStart := func() error {
		if err := comm.Upload(p.config.RemotePath, bytes.NewReader(script), nil); err != nil {
			return fmt.Errorf("uploading %s: %w", name, err)
		}
		// An execute_command of the template may not do it. Whether the script
		// can be run is seen next.
		chmod := &packersdk.RemoteCmd{Command: "chmod 0755 " + p.config.RemotePath}
		if err := comm.Start(ctx, chmod); err != nil {
			return err
		}
		chmod.Wait()
		cmd := &packersdk.RemoteCmd{Command: line}
		err := cmd.RunWithUi(ctx, comm, ui)
		status = cmd.ExitStatus()
		return err
	}
	if err := retry(ctx, p.config.StartRetryTimeout, uploadAndStart); err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	if err := p.judge(name, status); err != nil {
		return err
	}
	if p.config.SkipClean {
		return nil
	}
	return p.remove(ctx, comm, p.config.RemotePath)
}

// command is the line that runs the script.
func (p *Provisioner) command(data map[string]any) (string, error) {
	values := map[string]any{}
	maps.Copy(values, data)
	values["Path"] = p.config.RemotePath
	values["Vars"] = shellscript.Environment(p.config.EnvVarFormat, p.environment(data))
	values["EnvVarFile"] = p.config.varFile
	line, err := p.render(p.config.ExecuteCommand, values)
	if err != nil {
		return "", fmt.Errorf("execute_command: %w", err)
	}
	return line, nil
}

// render fills in what the build knows only now.
func (p *Provisioner) render(text string, data map[string]any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	context := p.config.ctx
	context.Data = data
	return interpolate.Render(text, &context)
}

func (p *Provisioner) environment(data map[string]any) map[string]string {
	env := component.Environment(p.config.PackerConfig, data)
	maps.Copy(env, p.config.env)
	return env
}

// judge tells whether a script's exit status is one of success.
func (p *Provisioner) judge(name string, status int) error {
	if status == packersdk.CmdDisconnect {
		if p.config.ExpectDisconnect || slices.Contains(p.config.ValidExitCodes, status) {
			return nil
		}
		return fmt.Errorf("%s: the connection ended during the script (set expect_disconnect if that is meant)", name)
	}
	if err := p.config.ValidExitCode(status); err != nil {
		return fmt.Errorf("%s: exit status %d", name, status)
	}
	return nil
}

// remove removes a file of ours from the guest. One that restarts does not answer for
// a while.
func (p *Provisioner) remove(ctx context.Context, comm packersdk.Communicator, name string) error {
	if err := retry(ctx, p.config.StartRetryTimeout, func() error { return start(ctx, comm, "rm -f "+name) }); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}

// start runs a command of ours on the guest.
func start(ctx context.Context, comm packersdk.Communicator, line string) error {
	cmd := &packersdk.RemoteCmd{Command: line}
	if err := comm.Start(ctx, cmd); err != nil {
		return err
	}
	switch status := cmd.Wait(); status {
	case 0:
		return nil
	case packersdk.CmdDisconnect:
		return fmt.Errorf("%s: the connection ended", line)
	default:
		return fmt.Errorf("%s: exit status %d", line, status)
	}
}

// retry calls f until it succeeds or time is over.
func retry(ctx context.Context, timeout time.Duration, f func() error) error {
	end := time.Now().Add(timeout)
	for {
		err := f()
		if err == nil || ctx.Err() != nil || time.Now().Add(retryPause).After(end) {
			return err
		}
		if err := wait(ctx, retryPause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
