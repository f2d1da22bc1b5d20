package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
)

// Options choose which builds of a template are planned, and how they run.
type Options struct {
	Only    []string // names of builds, or globs with commas between them; none: all
	Except  []string // names of builds and post-processors, or such globs
	Force   bool     // build though a result is there
	Debug   bool     // one build after the other, pausing between steps
	OnError string   // "", "cleanup", "abort", "ask", "run-cleanup-provisioner"
	// SkipData leaves unknown what data sources give. Such a plan can be looked at,
	// and not be run.
	SkipData bool
}

// Plan is what will run: builds whose components are prepared.
type Plan struct {
	Builds   []*Build
	template *Template
	scope    *scope
	options  Options
	warnings hcl.Diagnostics
}

// Build is one source with its provisioners and post-processors.
type Build struct {
	Name string // [name of the build block.]type.name

	label        string // name of the build block
	use          sourceUse
	builder      *component
	provisioners []*component
	cleanup      *component
	chains       [][]*component
	generated    []string // names in build.* that the builder promises
}

// Plan runs the data sources that the template uses, makes components from registry,
// prepares each and checks everything that can be checked without running. An error is a
// [*TemplateError], or why ctx ended.
func (t *Template) Plan(ctx context.Context, registry Registry, options Options) (*Plan, error) {
	p := &Plan{template: t, options: options}
	diags := p.prepare(ctx, registry)
	if ctx.Err() != nil {
		p.Close()
		return nil, context.Cause(ctx)
	}
	if diags.HasErrors() {
		p.Close()
		return nil, t.fail(diags)
	}
	p.warnings = diags
	return p, nil
}

func (p *Plan) prepare(ctx context.Context, registry Registry) hcl.Diagnostics {
	diags := append(checkOnError(p.options.OnError), p.template.variables.unset()...)
	if diags.HasErrors() {
		return diags
	}
	e, more := p.template.evaluate(ctx, registry, p.options)
	if diags = append(diags, more...); diags.HasErrors() {
		return diags
	}
	p.scope = e.scope
	selected, more := e.selectBuilds(p.options)
	if diags = append(diags, more...); diags.HasErrors() {
		return diags
	}
	for _, b := range selected {
		p.Builds = append(p.Builds, b)
		diags = append(diags, b.prepare(ctx, p, registry)...)
	}
	return diags
}

// evaluation is a template whose locals and data sources have their values, and with
// them its builds.
type evaluation struct {
	template *Template
	scope    *scope
	builds   []*buildBlock
}

func (t *Template) evaluate(ctx context.Context, registry Registry, options Options) (*evaluation, hcl.Diagnostics) {
	used := map[string]bool{}
	if !options.SkipData {
		used = t.usedData()
	}
	scope, diags := t.resolve(ctx, registry, used)
	if diags.HasErrors() {
		return nil, diags
	}
	e, more := t.readBuildsWith(scope)
	return e, append(diags, more...)
}

// Builds returns the builds that options leave, to look at: none of their components is
// made, no data source is executed, and what is not known decides nothing. An error is a
// [*TemplateError].
func (t *Template) Builds(options Options) ([]*Build, error) {
	scope, diags := t.outline()
	e, more := t.readBuildsWith(scope)
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, t.fail(diags)
	}
	selected, diags := e.selectBuilds(options)
	if diags.HasErrors() {
		return nil, t.fail(diags)
	}
	return selected, nil
}

// readBuildsWith reads the builds of a template whose locals and data sources have their
// values.
func (t *Template) readBuildsWith(scope *scope) (*evaluation, hcl.Diagnostics) {
	e := &evaluation{template: t, scope: scope}
	var diags hcl.Diagnostics
	registries, more := t.files.blocks(hcpBlock)
	diags = slices.Concat(diags, more, checkHCP(registries, e.scope.context()))
	if len(t.builds) == 0 {
		diags = append(diags, noSubject("Missing build block", "The template at %s has nothing to build.", t.files.root))
	}
	for _, block := range t.builds {
		b, more := e.readBuild(block)
		diags = append(diags, more...)
		e.builds = append(e.builds, b)
	}
	return e, diags
}

// Warnings returns what should be told though it stops nothing, or nil.
func (p *Plan) Warnings() *TemplateError {
	all := append(append(hcl.Diagnostics{}, p.template.warnings...), p.warnings...)
	if len(all) == 0 {
		return nil
	}
	return p.template.fail(all)
}

// Hide returns text with the template's sensitive values masked.
func (p *Plan) Hide(text string) string { return p.template.mask.hide(text) }

// Close closes the plan's components.
func (p *Plan) Close() {
	for _, b := range p.Builds {
		for _, c := range b.components() {
			c.close()
		}
	}
}

// components returns all of them, in the order in which they run.
func (b *Build) components() []*component {
	all := []*component{b.builder}
	all = append(all, b.provisioners...)
	if b.cleanup != nil {
		all = append(all, b.cleanup)
	}
	for _, chain := range b.chains {
		all = append(all, chain...)
	}
	return all
}

func checkOnError(value string) hcl.Diagnostics {
	known := []string{"cleanup", "abort", "ask", "run-cleanup-provisioner"}
	for _, k := range append(known, "") {
		if value == k {
			return nil
		}
	}
	return hcl.Diagnostics{noSubject("Invalid -on-error", "%q is not one of its values. %s", value, suggest(value, known))}
}

// selectBuilds returns the builds that options leave, in the template's order.
func (e *evaluation) selectBuilds(options Options) ([]*Build, hcl.Diagnostics) {
	var names []string
	for _, block := range e.builds {
		for _, use := range block.uses {
			names = append(names, block.nameOf(use))
		}
	}
	exceptable := slices.Concat(names, e.postProcessors())
	only, except := choose(options.Only, names), choose(options.Except, exceptable)
	var selected []*Build
	for _, block := range e.builds {
		for _, use := range block.uses {
			b := &Build{Name: block.nameOf(use), label: block.name, use: use}
			if !only.empty() && !only.has(b.Name) || except.has(b.Name) {
				continue
			}
			b.plan(block, e.scope, except)
			selected = append(selected, b)
		}
	}
	diags := append(only.unmatched("-only", "build", names), except.unmatched("-except", "build and no post-processor", exceptable)...)
	if len(selected) == 0 && len(diags) == 0 {
		diags = hcl.Diagnostics{noSubject("No builds to run", "-only and -except leave none. The names of builds are: %s.", joined(names))}
	}
	return selected, diags
}

// nameOf returns the name of the build of a source.
func (b *buildBlock) nameOf(use sourceUse) string {
	return strings.TrimPrefix(b.name+"."+use.ref(), ".")
}

// postProcessors returns the names by which -except takes post-processors.
func (e *evaluation) postProcessors() []string {
	var names []string
	for _, block := range e.builds {
		for _, c := range slices.Concat(block.chains...) {
			if name := cmp.Or(c.name, c.typ); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// plan lists b's components; they are not made yet.
func (b *Build) plan(block *buildBlock, s *scope, except choice) {
	body := b.use.source.body
	if b.use.extra != nil {
		body = hcl.MergeBodies([]hcl.Body{body, b.use.extra})
	}
	b.builder = &component{build: b, block: &componentBlock{
		kind: kindBuilder, typ: b.use.source.typ, name: b.use.name, declared: b.use.source.declared,
		body: dynblock.Expand(body, s.context()),
	}}
	for _, c := range block.provisioners {
		if !c.skips(b.use.ref()) {
			b.provisioners = append(b.provisioners, &component{build: b, block: c})
		}
	}
	if c := block.cleanup; c != nil && !c.skips(b.use.ref()) {
		b.cleanup = &component{build: b, block: c}
	}
	for _, blocks := range block.chains {
		if chain := b.chain(blocks, except); len(chain) > 0 {
			b.chains = append(b.chains, chain)
		}
	}
}

// chain leaves out what is not for the source. A post-processor that -except
// names takes the rest of its chain with it.
func (b *Build) chain(blocks []*componentBlock, except choice) []*component {
	var chain []*component
	for _, c := range blocks {
		if except.has(cmp.Or(c.name, c.typ)) {
			break
		}
		if !c.skips(b.use.ref()) {
			chain = append(chain, &component{build: b, block: c})
		}
	}
	return chain
}

// prepare makes and prepares b's components: the builder first, since it
// tells which names build.* will have.
func (b *Build) prepare(ctx context.Context, p *Plan, registry Registry) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, c := range b.components() {
		c.plan = p
		generated, more := c.prepareForPlan(ctx, registry)
		diags = append(diags, more...)
		if c == b.builder {
			b.generated = generated
		}
	}
	return diags
}
