package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"
)

// component is a builder, provisioner or post-processor of a build.
type component struct {
	plan     *Plan
	build    *Build
	block    *componentBlock
	factory  Factory[packersdk.HCL2Speccer]
	instance packersdk.HCL2Speccer // prepared with placeholders, for the plan
	config   cty.Value             // what instance was prepared with
	foreseen bool                  // config has no placeholders
}

// label is how output names the component.
func (c *component) label() string {
	if c.block.name != "" {
		return c.block.name
	}
	return c.block.typ
}

// prepareForPlan makes an instance and prepares it, with placeholders for
// what is known only when the build runs. A builder names what it will give.
func (c *component) prepareForPlan(ctx context.Context, registry Registry) (generated []string, diags hcl.Diagnostics) {
	if c.factory = registry.factory(c.block.kind, c.block.typ); c.factory == nil {
		return nil, registry.unknown(c.block.kind, c.block.typ, c.block.declared)
	}
	var err error
	if c.instance, err = c.make(ctx); err != nil {
		return nil, c.faults(err)
	}
	defer closeWith(ctx, c.instance)()
	config, diags := c.decode(c.instance, c.promised())
	if diags.HasErrors() {
		return nil, diags
	}
	c.foreseen = config.IsWhollyKnown()
	if !c.foreseen {
		config = c.withNames(config)
	}
	c.config = placeholders(config)
	generated, warnings, err := c.prepare(c.instance, c.config)
	for _, w := range warnings {
		diags = append(diags, warningAt(c.block.declared, "Warning of "+c.String(), "%s", w))
	}
	return generated, append(diags, c.faults(err)...)
}

// withNames returns config with a placeholder in the place of each of what the builder
// will give, so that the text around it is known. Where that can't be, config is returned:
// a port is a number.
func (c *component) withNames(config cty.Value) cty.Value {
	names := c.promised()
	for name, value := range names {
		if !value.IsKnown() {
			names[name] = placeholder(cty.String)
		}
	}
	if named, diags := c.decode(c.instance, names); !diags.HasErrors() {
		return named
	}
	return config
}

// make returns a new instance.
func (c *component) make(ctx context.Context) (instance packersdk.HCL2Speccer, err error) {
	err = guard("making "+c.String(), func() error {
		instance, err = c.factory(ctx)
		return err
	})
	return instance, err
}

// faults makes one diagnostic of each error that a component found.
func (c *component) faults(err error) hcl.Diagnostics {
	return faultsAt(c.block.declared, "Invalid "+c.String(), err)
}

// faultsAt makes one diagnostic of each error that err is a list of.
func faultsAt(where hcl.Range, summary string, err error) hcl.Diagnostics {
	if err == nil {
		return nil
	}
	var diags hcl.Diagnostics
	for _, one := range flatten(err) {
		diags = append(diags, errorAt(where, summary, "%s", one))
	}
	return diags
}

// flatten returns the errors that err is a list of.
func flatten(err error) []error {
	var list []error
	switch e := err.(type) { //nolint:errorlint // what wraps a list says more than the list
	case *packersdk.MultiError:
		list = e.Errors
	case interface{ Unwrap() []error }:
		list = e.Unwrap()
	case interface{ WrappedErrors() []error }:
		list = e.WrappedErrors()
	default:
		return []error{err}
	}
	var all []error
	for _, one := range list {
		all = append(all, flatten(one)...)
	}
	return all
}

// decode returns the component's configuration, in which build has the given
// values.
func (c *component) decode(instance packersdk.HCL2Speccer, values map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	var spec hcldec.ObjectSpec
	if err := guard(c.String(), func() error { spec = instance.ConfigSpec(); return nil }); err != nil {
		return cty.NilVal, c.faults(err)
	}
	s := c.plan.scope.with("source", cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal(c.build.use.name),
		"type": cty.StringVal(c.build.use.source.typ),
	}))
	if c.block.kind != kindBuilder {
		s = s.with("build", cty.ObjectVal(values))
	}
	return hcldec.Decode(c.block.body, spec, s.context())
}

// prepare gives instance its configuration. generated are the names of what a
// builder will give to the others.
func (c *component) prepare(instance packersdk.HCL2Speccer, config cty.Value) (generated, warnings []string, err error) {
	raws := []any{c.core(), config}
	err = guard("preparing "+c.String(), func() error {
		var err error
		switch i := instance.(type) {
		case packersdk.Builder:
			generated, warnings, err = i.Prepare(raws...)
		case packersdk.Provisioner:
			err = i.Prepare(append(raws, c.overrides()...)...)
		case packersdk.PostProcessor:
			err = i.Configure(raws...)
		default:
			err = errors.New("it is not a component that the pipeline can run")
		}
		return err
	})
	return generated, warnings, err
}

// core is the configuration that every component gets in addition to its own.
func (c *component) core() map[string]any {
	options := c.plan.options
	core := map[string]any{
		"packer_build_name":   c.build.use.source.name,
		"packer_builder_type": c.build.use.source.typ,
		"packer_core_version": CompatibleVersion,
		"packer_debug":        strconv.FormatBool(options.Debug),
		"packer_force":        strconv.FormatBool(options.Force),
		"packer_on_error":     options.OnError,
	}
	if c.block.kind != kindBuilder {
		core["packer_sensitive_variables"] = c.plan.template.variables.sensitive()
	}
	return core
}

// overrides is the provisioner's configuration for this source alone.
func (c *component) overrides() []any {
	if c.block.override == cty.NilVal || !c.block.override.Type().HasAttribute(c.build.use.name) {
		return nil
	}
	value, ok := native(c.block.override.GetAttr(c.build.use.name)).(map[string]any)
	if !ok {
		return nil
	}
	return []any{value}
}

func (v variables) sensitive() []string {
	return slices.DeleteFunc(v.names(), func(name string) bool { return !v[name].sensitive })
}

func (c *component) close() { closeInstance(c.instance) }

// closeWith closes an instance when ctx is done, until the function that it returns is
// called: what takes no context may wait for a program that never answers.
func closeWith(ctx context.Context, instance packersdk.HCL2Speccer) (stop func() bool) {
	return context.AfterFunc(ctx, func() { closeInstance(instance) })
}

func closeInstance(instance packersdk.HCL2Speccer) {
	if closer, ok := instance.(io.Closer); ok {
		_ = closer.Close()
	}
}

// PanicError is a component that crashed.
type PanicError struct {
	What  string
	Value any
	Stack string
}

func (e *PanicError) Error() string { return fmt.Sprintf("%s: it crashed: %v", e.What, e.Value) }

// guard calls f and turns a panic into an error.
func guard(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{What: what, Value: v, Stack: string(debug.Stack())}
		}
	}()
	return f()
}
