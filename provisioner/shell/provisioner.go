// Package shell is the provisioner "shell": it runs scripts on the guest. Its
// options are those of Packer's provisioner of this name.
package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

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
	if len(p.config.Inline) > 0 {
		script := shellscript.Inline(p.config.InlineShebang, p.config.Inline)
		if err := p.run(ctx, ui, comm, data, bytes.NewReader([]byte(script)), "inline script"); err != nil {
			return err
		}
	}
	for _, name := range p.config.Scripts {
		if err := p.runFile(ctx, ui, comm, data, name); err != nil {
			return err
		}
	}
	return wait(ctx, p.config.PauseAfter)
}

// maxScript is how many bytes a script may have: some carry an archive.
const maxScript = 1 << 30

func (p *Provisioner) runFile(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any, name string) error {
	text, err := regular.ReadFile(name, maxScript)
	if err != nil {
		return fmt.Errorf("reading a script: %w", err)
	}
	if !p.config.Binary {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	return p.run(ctx, ui, comm, data, bytes.NewReader(text), name)
}

// run uploads a script, runs it and removes it.
func (p *Provisioner) run(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any, script io.ReadSeeker, name string) error {
	line, err := p.command(data)
	if err != nil {
		return err
	}
	ui.Say(name)
	var status int
	start := func() error {
		if _, err := script.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := comm.Upload(p.config.RemotePath, script, nil); err != nil {
			return fmt.Errorf("uploading %s: %w", name, err)
		}
		cmd := &packersdk.RemoteCmd{Command: line}
		err := cmd.RunWithUi(ctx, comm, ui)
		status = cmd.ExitStatus()
		return err
	}
	if err := retry(ctx, p.config.StartRetryTimeout, start); err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	if err := p.judge(name, status); err != nil {
		return err
	}
	return p.clean(ctx, comm, status)
}

// command is the line that runs the script.
func (p *Provisioner) command(data map[string]any) (string, error) {
	values := map[string]any{}
	for name, v := range data {
		values[name] = v
	}
	values["Path"] = p.config.RemotePath
	values["Vars"] = shellscript.Environment(p.config.EnvVarFormat, p.environment(data))
	context := p.config.ctx
	context.Data = values
	line, err := interpolate.Render(p.config.ExecuteCommand, &context)
	if err != nil {
		return "", fmt.Errorf("execute_command: %w", err)
	}
	return line, nil
}

func (p *Provisioner) environment(data map[string]any) map[string]string {
	env := map[string]string{
		"PACKER_BUILD_NAME":   p.config.PackerBuildName,
		"PACKER_BUILDER_TYPE": p.config.PackerBuilderType,
	}
	for variable, key := range map[string]string{
		"PACKER_HTTP_ADDR": "PackerHTTPAddr", "PACKER_HTTP_IP": "PackerHTTPIP", "PACKER_HTTP_PORT": "PackerHTTPPort",
	} {
		if v, ok := data[key].(string); ok && v != "" && !notImplemented(v) {
			env[variable] = v
		}
	}
	for name, value := range p.config.env {
		env[name] = value
	}
	return env
}

// judge tells whether a script's exit status is one of success.
func (p *Provisioner) judge(name string, status int) error {
	if status == packersdk.CmdDisconnect {
		if p.config.ExpectDisconnect {
			return nil
		}
		return fmt.Errorf("%s: the connection ended during the script (set expect_disconnect if that is meant)", name)
	}
	if err := p.config.ValidExitCode(status); err != nil {
		return fmt.Errorf("%s: exit status %d", name, status)
	}
	return nil
}

func (p *Provisioner) clean(ctx context.Context, comm packersdk.Communicator, status int) error {
	if p.config.SkipClean || status == packersdk.CmdDisconnect {
		return nil
	}
	remove := func() error {
		cmd := &packersdk.RemoteCmd{Command: "rm -f " + p.config.RemotePath}
		if err := comm.Start(ctx, cmd); err != nil {
			return err
		}
		cmd.Wait()
		return nil
	}
	if err := retry(ctx, p.config.StartRetryTimeout, remove); err != nil {
		return fmt.Errorf("removing %s: %w", p.config.RemotePath, err)
	}
	return nil
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

// notImplemented tells a value that the SDK gives where a builder has none.
func notImplemented(v string) bool { return len(v) > 4 && v[:4] == "ERR_" }
