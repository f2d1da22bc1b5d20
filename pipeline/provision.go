package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	shared "github.com/geneontology/packer-plugin-amigo/component"
)

// provisionHook runs provisioners when the builder says that the machine is
// there.
type provisionHook struct {
	run          *buildRun
	provisioners []*component
	mask         *mask // hides the key that the builder made
	running      *sync.WaitGroup
}

// Run takes the communicator from the builder, not its user interface: each
// provisioner has its own.
func (h *provisionHook) Run(ctx context.Context, _ string, _ packersdk.Ui, comm packersdk.Communicator, data any) error {
	// In this order, so that whoever has cancelled ctx waits for what has begun.
	h.running.Add(1)
	defer h.running.Done()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if comm == nil {
		return errors.New("there are provisioners, but the builder has no communicator (communicator = \"none\"?)")
	}
	given := shared.DataMap(data)
	if key, ok := given["SSHPrivateKey"].(string); ok {
		h.mask.addText(key)
	}
	for _, c := range h.provisioners {
		if err := h.run.provision(ctx, c, comm, given); err != nil {
			return err
		}
	}
	return nil
}

// provision runs one provisioner, as often as its max_retries allows.
func (r *buildRun) provision(ctx context.Context, c *component, comm packersdk.Communicator, data map[string]any) error {
	u := r.ui(c)
	defer u.show()()
	if r.plan.options.Debug {
		_, _ = u.Ask("Pausing before " + c.String() + ". Press enter to continue.")
	}
	if err := pause(ctx, u, c.block.pauseBefore); err != nil {
		return c.step(u.end(err))
	}
	for left := c.block.maxRetries; ; left-- {
		err := r.guard(c, u, func() error { return c.provision(ctx, u, comm, data) })
		if err == nil || left <= 0 || ctx.Err() != nil {
			return r.ended(ctx, c, u, err)
		}
		u.Errorf("%s failed (%v); %d more attempt(s)", c, err, left)
	}
}

// ended ends the provisioner. What may fail is told, and the build goes on; who stops the
// build stops it.
func (r *buildRun) ended(ctx context.Context, c *component, u *ui, err error) error {
	if err = u.end(err); err == nil || !c.block.goesOn || ctx.Err() != nil {
		return c.step(err)
	}
	u.Errorf("%s failed, and the build continues (continue_on_error): %v", c, err)
	r.incomplete = true
	return nil
}

func pause(ctx context.Context, u *ui, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	u.Sayf("waiting %s", d)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// provision makes one attempt, on an instance of its own: an instance whose
// context has ended may be of no use any more.
func (c *component) provision(ctx context.Context, u *ui, comm packersdk.Communicator, data map[string]any) error {
	instance, err := c.fresh(ctx, data)
	if err != nil {
		return err
	}
	defer closeInstance(instance)
	provisioner, ok := instance.(packersdk.Provisioner)
	if !ok {
		return fmt.Errorf("%s is not a provisioner", c)
	}
	if c.block.timeout > 0 {
		cause := fmt.Errorf("it did not end within %s", c.block.timeout)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.block.timeout, cause)
		defer cancel()
	}
	err = provisioner.Provision(ctx, u, comm, maps.Clone(data))
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx) // what it was doing is in the log
	}
	return err
}

// fresh returns a new instance, prepared with what the builder has told.
func (c *component) fresh(ctx context.Context, data map[string]any) (packersdk.HCL2Speccer, error) {
	instance, err := c.make(ctx)
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, instance)()
	config, diags := c.decode(instance, c.given(data))
	if diags.HasErrors() {
		closeInstance(instance)
		return nil, c.plan.template.fail(diags)
	}
	if _, _, err := c.prepare(instance, placeholders(config)); err != nil {
		closeInstance(instance)
		return nil, fmt.Errorf("preparing: %w", err)
	}
	return instance, nil
}
