package pipeline

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// sourceBlock is a source at the top of a template.
type sourceBlock struct {
	typ, name string
	declared  hcl.Range
	body      hcl.Body
}

func (s *sourceBlock) ref() string { return s.typ + "." + s.name }

// buildBlock is a build of a template.
type buildBlock struct {
	name         string
	description  string
	declared     hcl.Range
	uses         []sourceUse
	provisioners []*componentBlock
	cleanup      *componentBlock
	chains       [][]*componentBlock
}

// sourceUse is a source as a build uses it.
type sourceUse struct {
	source *sourceBlock
	name   string   // local to the build
	extra  hcl.Body // attributes that the build adds, or nil
}

func (u sourceUse) ref() string { return u.source.typ + "." + u.name }

// componentBlock is a provisioner or post-processor of a build.
type componentBlock struct {
	kind     kind
	typ      string
	name     string
	declared hcl.Range
	body     hcl.Body // without the arguments below

	only, except []string
	pauseBefore  time.Duration
	timeout      time.Duration
	maxRetries   int
	goesOn       bool      // though it failed
	override     cty.Value // object by local source name, or NilVal
	keepInput    *bool
}

var buildSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "name"}, {Name: "description"}, {Name: "sources"}},
	Blocks: []hcl.BlockHeaderSchema{
		{Type: "source", LabelNames: []string{"reference"}},
		{Type: "provisioner", LabelNames: []string{"type"}},
		{Type: "error-cleanup-provisioner", LabelNames: []string{"type"}},
		{Type: "post-processor", LabelNames: []string{"type"}},
		{Type: "post-processors"},
		{Type: hcpBlock},
	},
}

var provisionerSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "name"}, {Name: "only"}, {Name: "except"}, {Name: "pause_before"},
	{Name: "timeout"}, {Name: "max_retries"}, {Name: "override"}, {Name: "continue_on_error"},
}}

var postProcessorSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "name"}, {Name: "only"}, {Name: "except"}, {Name: "keep_input_artifact"},
}}

func (e *evaluation) readBuild(block *hcl.Block) (*buildBlock, hcl.Diagnostics) {
	b := &buildBlock{declared: block.DefRange}
	ctx := e.scope.context()
	content, diags := dynblock.Expand(block.Body, ctx).Content(buildSchema)
	var faults [3]hcl.Diagnostics
	b.name, faults[0] = readName(content.Attributes["name"], ctx)
	b.description, faults[1] = readName(content.Attributes["description"], ctx)
	b.uses, faults[2] = e.readUses(content)
	diags = slices.Concat(diags, faults[0], faults[1], faults[2])
	inner := e.scope.with("build", cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(b.name)}))
	diags = append(diags, checkHCP(content.Blocks.OfType(hcpBlock), ctx)...)
	for _, child := range content.Blocks {
		diags = append(diags, b.readChild(child, inner)...)
	}
	if attr, ok := content.Attributes["sources"]; len(b.uses) == 0 && !diags.HasErrors() && (!ok || isKnown(attr, ctx)) {
		diags = append(diags, errorAt(b.declared, "Missing source reference", "Add sources = [\"source.TYPE.NAME\"]."))
	}
	return b, diags
}

func isKnown(attr *hcl.Attribute, ctx *hcl.EvalContext) bool {
	value, _ := attr.Expr.Value(ctx)
	return value.IsWhollyKnown()
}

// readUses reads what the build is made from: the list first, then the blocks.
func (e *evaluation) readUses(content *hcl.BodyContent) ([]sourceUse, hcl.Diagnostics) {
	var uses []sourceUse
	var diags hcl.Diagnostics
	if attr, ok := content.Attributes["sources"]; ok {
		refs, more := evaluate(attr, cty.List(cty.String), e.scope.context())
		diags = append(diags, more...)
		for _, ref := range texts(refs) {
			source, more := e.template.findSource(ref, attr.Expr.Range())
			diags = append(diags, more...)
			if source != nil {
				uses = append(uses, sourceUse{source: source, name: source.name})
			}
		}
	}
	for _, block := range content.Blocks.OfType("source") {
		use, more := e.readUse(block)
		diags = append(diags, more...)
		if use.source != nil {
			uses = append(uses, use)
		}
	}
	return uses, diags
}

func (e *evaluation) readUse(block *hcl.Block) (sourceUse, hcl.Diagnostics) {
	source, diags := e.template.findSource(block.Labels[0], block.LabelRanges[0])
	content, rest, more := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "name"}}})
	diags = append(diags, more...)
	if source == nil {
		return sourceUse{}, diags
	}
	name, more := readText(content.Attributes["name"], source.name)
	return sourceUse{source: source, name: name, extra: rest}, append(diags, more...)
}

func (t *Template) findSource(ref string, where hcl.Range) (*sourceBlock, hcl.Diagnostics) {
	short := strings.TrimPrefix(strings.TrimPrefix(ref, "sources."), "source.")
	if s, ok := t.sources[short]; ok {
		return s, nil
	}
	return nil, hcl.Diagnostics{errorAt(where, "Unknown source "+short,
		"The template has no source %q. %s", short, suggest(short, slices.Sorted(maps.Keys(t.sources))))}
}

func (b *buildBlock) readChild(block *hcl.Block, s *scope) hcl.Diagnostics {
	switch block.Type {
	case "provisioner":
		c, diags := readProvisioner(block, s)
		b.provisioners = append(b.provisioners, c)
		return diags
	case "error-cleanup-provisioner":
		c, diags := readProvisioner(block, s)
		if b.cleanup != nil {
			diags = append(diags, errorAt(block.DefRange, "Only one error-cleanup-provisioner is allowed", "A build has one at most."))
		}
		b.cleanup = c
		return diags
	case "post-processor":
		c, diags := readPostProcessor(block, s)
		b.chains = append(b.chains, []*componentBlock{c})
		return diags
	case "post-processors":
		return b.readChain(block, s)
	default:
		return nil
	}
}

func (b *buildBlock) readChain(block *hcl.Block, s *scope) hcl.Diagnostics {
	content, diags := block.Body.Content(&hcl.BodySchema{
		Blocks: []hcl.BlockHeaderSchema{{Type: "post-processor", LabelNames: []string{"type"}}},
	})
	var chain []*componentBlock
	for _, child := range content.Blocks {
		c, more := readPostProcessor(child, s)
		diags = append(diags, more...)
		chain = append(chain, c)
	}
	b.chains = append(b.chains, chain)
	return diags
}

func readProvisioner(block *hcl.Block, s *scope) (*componentBlock, hcl.Diagnostics) {
	c, attrs, diags := readComponent(kindProvisioner, block, provisionerSchema, s)
	ctx := s.context()
	var faults [2]hcl.Diagnostics
	c.pauseBefore, faults[0] = readDuration(attrs["pause_before"], ctx)
	c.timeout, faults[1] = readDuration(attrs["timeout"], ctx)
	diags = slices.Concat(diags, faults[0], faults[1])
	if attr, ok := attrs["max_retries"]; ok {
		n, more := evaluate(attr, cty.Number, ctx)
		diags = append(diags, more...)
		if n != cty.NilVal {
			retries, _ := n.AsBigFloat().Int64()
			c.maxRetries = int(retries)
		}
	}
	if attr, ok := attrs["continue_on_error"]; ok {
		goesOn, more := evaluate(attr, cty.Bool, ctx)
		diags = append(diags, more...)
		c.goesOn = goesOn != cty.NilVal && goesOn.True()
	}
	if attr, ok := attrs["override"]; ok {
		value, more := attr.Expr.Value(ctx)
		diags = append(diags, more...)
		if !more.HasErrors() && !value.Type().IsObjectType() {
			diags = append(diags, errorAt(attr.Expr.Range(), "The provisioner's override block must be an HCL object", "It has an object for each source, by their names."))
		}
		c.override = value
	}
	return c, diags
}

func readPostProcessor(block *hcl.Block, s *scope) (*componentBlock, hcl.Diagnostics) {
	c, attrs, diags := readComponent(kindPostProcessor, block, postProcessorSchema, s)
	if attr, ok := attrs["keep_input_artifact"]; ok {
		keep, more := evaluate(attr, cty.Bool, s.context())
		diags = append(diags, more...)
		if keep != cty.NilVal {
			yes := keep.True()
			c.keepInput = &yes
		}
	}
	return c, diags
}

func readComponent(k kind, block *hcl.Block, schema *hcl.BodySchema, s *scope) (*componentBlock, hcl.Attributes, hcl.Diagnostics) {
	content, rest, diags := block.Body.PartialContent(schema)
	c := &componentBlock{kind: k, typ: block.Labels[0], declared: block.DefRange, body: rest}
	ctx := s.context()
	var faults [3]hcl.Diagnostics
	c.name, faults[0] = readName(content.Attributes["name"], ctx)
	c.only, faults[1] = readTexts(content.Attributes["only"], ctx)
	c.except, faults[2] = readTexts(content.Attributes["except"], ctx)
	diags = slices.Concat(diags, faults[0], faults[1], faults[2])
	if len(c.only) > 0 && len(c.except) > 0 {
		diags = append(diags, errorAt(block.DefRange, "Only one of 'only' or 'except' may be specified", "Give one of them."))
	}
	return c, content.Attributes, diags
}

// skips tells whether c is not for the source of the given type.name.
func (c *componentBlock) skips(ref string) bool {
	if len(c.only) > 0 {
		return !slices.Contains(c.only, ref)
	}
	return slices.Contains(c.except, ref)
}

// readName returns the text of an optional attribute, or "".
func readName(attr *hcl.Attribute, ctx *hcl.EvalContext) (string, hcl.Diagnostics) {
	if attr == nil {
		return "", nil
	}
	value, diags := evaluate(attr, cty.String, ctx)
	if value == cty.NilVal {
		return "", diags
	}
	return value.AsString(), diags
}

// readTexts returns the list of an optional attribute.
func readTexts(attr *hcl.Attribute, ctx *hcl.EvalContext) ([]string, hcl.Diagnostics) {
	if attr == nil {
		return nil, nil
	}
	list, diags := evaluate(attr, cty.List(cty.String), ctx)
	return texts(list), diags
}

// readDuration returns the time that an optional attribute says, or 0.
func readDuration(attr *hcl.Attribute, ctx *hcl.EvalContext) (time.Duration, hcl.Diagnostics) {
	text, diags := readName(attr, ctx)
	if text == "" {
		return 0, diags
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, append(diags, errorAt(attr.Expr.Range(), "Invalid duration", "%q is not a duration such as \"90s\" or \"5m\".", text))
	}
	return d, diags
}

// texts returns the strings of a known list; NilVal has none.
func texts(list cty.Value) []string {
	if list == cty.NilVal {
		return nil
	}
	var all []string
	for it := list.ElementIterator(); it.Next(); {
		if _, v := it.Element(); !v.IsNull() {
			all = append(all, v.AsString())
		}
	}
	return all
}

// compact returns a value as one line of JSON.
func compact(v cty.Value) string {
	text, err := ctyjson.SimpleJSONValue{Value: placeholders(v)}.MarshalJSON()
	if err != nil {
		return v.Type().FriendlyName()
	}
	return string(text)
}
