package plugin

import (
	"context"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"
)

// stopPatience is how long a provisioner or post-processor may take to end after it was
// cancelled. A builder has no limit, since it may have to remove what costs money.
const stopPatience = time.Minute

// spec asks for a component's configuration. A fault is a panic, since the interface has
// no room for an error; the pipeline makes an error of it.
func (p *process) spec(doing string, ask func() hcldec.ObjectSpec) (spec hcldec.ObjectSpec) {
	if err := p.call(doing, func() error { spec = ask(); return nil }); err != nil {
		panic(err)
	}
	return spec
}

// killLate ends the plugin if it has not ended by itself some time after ctx is done. The
// function that it returns says that it is no longer waited for.
func (p *process) killLate(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		select {
		case <-done:
		case <-time.After(stopPatience):
			p.kill()
		}
	}()
	return func() { close(done) }
}

// builder is a builder of a plugin.
type builder struct {
	*process
	remote packersdk.Builder
}

func (b *builder) ConfigSpec() hcldec.ObjectSpec {
	return b.spec("being asked for its settings", b.remote.ConfigSpec)
}

func (b *builder) Prepare(raws ...any) (generated, warnings []string, err error) {
	err = b.call("preparing", func() error {
		generated, warnings, err = b.remote.Prepare(raws...)
		return err
	})
	return generated, warnings, err
}

func (b *builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (artifact packersdk.Artifact, err error) {
	err = b.call("building", func() error {
		artifact, err = b.remote.Run(ctx, ui, hook)
		return err
	})
	return artifact, err
}

// provisioner is a provisioner of a plugin.
type provisioner struct {
	*process
	remote packersdk.Provisioner
}

func (p *provisioner) ConfigSpec() hcldec.ObjectSpec {
	return p.spec("being asked for its settings", p.remote.ConfigSpec)
}

func (p *provisioner) Prepare(raws ...any) error {
	return p.call("preparing", func() error { return p.remote.Prepare(raws...) })
}

func (p *provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any) error {
	defer p.killLate(ctx)()
	return p.call("provisioning", func() error { return p.remote.Provision(ctx, ui, comm, data) })
}

// postProcessor is a post-processor of a plugin.
type postProcessor struct {
	*process
	remote packersdk.PostProcessor
}

func (p *postProcessor) ConfigSpec() hcldec.ObjectSpec {
	return p.spec("being asked for its settings", p.remote.ConfigSpec)
}

func (p *postProcessor) Configure(raws ...any) error {
	return p.call("preparing", func() error { return p.remote.Configure(raws...) })
}

func (p *postProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (output packersdk.Artifact, keep, force bool, err error) {
	defer p.killLate(ctx)()
	err = p.call("post-processing", func() error {
		output, keep, force, err = p.remote.PostProcess(ctx, ui, input)
		return err
	})
	return output, keep, force, err
}

// dataSource is a data source of a plugin.
type dataSource struct {
	*process
	remote packersdk.Datasource
}

func (d *dataSource) ConfigSpec() hcldec.ObjectSpec {
	return d.spec("being asked for its settings", d.remote.ConfigSpec)
}

func (d *dataSource) OutputSpec() hcldec.ObjectSpec {
	return d.spec("being asked for what it gives", d.remote.OutputSpec)
}

func (d *dataSource) Configure(raws ...any) error {
	return d.call("preparing", func() error { return d.remote.Configure(raws...) })
}

func (d *dataSource) Execute() (value cty.Value, err error) {
	err = d.call("reading", func() error {
		value, err = d.remote.Execute()
		return err
	})
	return value, err
}
