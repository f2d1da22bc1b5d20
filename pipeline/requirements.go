package pipeline

import (
	"cmp"
	"slices"
	"strings"

	goversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// readPackerBlocks reads the packer blocks: required_version must hold for
// [CompatibleVersion].
func (t *Template) readPackerBlocks() hcl.Diagnostics {
	blocks, diags := t.files.blocks("packer")
	for _, block := range blocks {
		content, more := block.Body.Content(&hcl.BodySchema{
			Attributes: []hcl.AttributeSchema{{Name: "required_version"}},
			Blocks:     []hcl.BlockHeaderSchema{{Type: "required_plugins"}},
		})
		diags = append(diags, more...)
		if attr, ok := content.Attributes["required_version"]; ok {
			diags = append(diags, checkVersion(attr)...)
		}
		for _, plugins := range content.Blocks {
			required, more := readPlugins(plugins)
			diags = append(diags, more...)
			t.required = append(t.required, required...)
		}
	}
	return diags
}

func checkVersion(attr *hcl.Attribute) hcl.Diagnostics {
	constraints, diags := versionConstraint(attr)
	if diags.HasErrors() {
		return diags
	}
	if !constraints.Check(goversion.Must(goversion.NewVersion(CompatibleVersion))) {
		diags = append(diags, errorAt(attr.Expr.Range(), "Unsupported Packer Core version",
			"The template asks for Packer %s; this program understands the templates of Packer %s.",
			constraints, CompatibleVersion))
	}
	return diags
}

func versionConstraint(attr *hcl.Attribute) (goversion.Constraints, hcl.Diagnostics) {
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return nil, diags
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil || text.IsNull() || !text.IsKnown() {
		return nil, hcl.Diagnostics{errorAt(attr.Expr.Range(), "Invalid version constraint", "A string is needed, such as \">= 1.11.0\".")}
	}
	constraints, err := goversion.NewConstraint(text.AsString())
	if err != nil {
		return nil, hcl.Diagnostics{errorAt(attr.Expr.Range(), "Invalid version constraint", "%v.", err)}
	}
	return constraints, nil
}

// readPlugins reads a block required_plugins. An entry is an object with a source and a
// version, both strings.
func readPlugins(block *hcl.Block) ([]RequiredPlugin, hcl.Diagnostics) {
	attrs, diags := block.Body.JustAttributes()
	var all []RequiredPlugin
	for _, attr := range attrs {
		value, more := attr.Expr.Value(nil)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		if form := cty.Object(map[string]cty.Type{"source": cty.String, "version": cty.String}); !value.Type().Equals(form) || value.IsNull() || !value.IsWhollyKnown() {
			diags = append(diags, errorAt(attr.Expr.Range(), "Invalid required_plugins object",
				"Plugin %q needs an object with the strings source and version.", attr.Name))
			continue
		}
		constraints, err := goversion.NewConstraint(value.GetAttr("version").AsString())
		if err != nil {
			diags = append(diags, errorAt(attr.Expr.Range(), "Invalid version constraint", "%v.", err))
			continue
		}
		all = append(all, RequiredPlugin{Name: attr.Name, Source: value.GetAttr("source").AsString(), Constraints: constraints})
	}
	slices.SortFunc(all, func(a, b RequiredPlugin) int { return cmp.Compare(a.Name, b.Name) })
	return all, diags
}

// RequiredPlugin is a plugin that a template says it needs.
type RequiredPlugin struct {
	Name        string // that the names of its components begin with in the template
	Source      string // such as "github.com/hashicorp/qemu"
	Constraints goversion.Constraints
}

// Meets reports whether a version is one that the template takes. A version of
// developers counts as the release that it precedes.
func (r RequiredPlugin) Meets(v *goversion.Version) bool { return r.Constraints.Check(v.Core()) }

func (r RequiredPlugin) String() string {
	return strings.TrimSpace(r.Source + " " + r.Constraints.String())
}

// Requirements returns the plugins that the template at path requires, by name. Nothing
// else in the template is looked at. An error is a [*TemplateError].
func Requirements(path string, in Input) ([]RequiredPlugin, error) {
	t := &Template{mask: &mask{}}
	var diags hcl.Diagnostics
	if t.files, diags = load(path, in); !diags.HasErrors() {
		diags = append(diags, t.readPackerBlocks()...)
	}
	if diags.HasErrors() {
		return nil, t.fail(diags)
	}
	return t.required, nil
}

// RequiredPlugins returns what the template's required_plugins say, by name.
func (t *Template) RequiredPlugins() []RequiredPlugin { return slices.Clone(t.required) }

// Missing returns the types of components that the template's blocks name and a registry
// lacks. No build may need them.
func (t *Template) Missing(registry Registry) []string {
	var missing []string
	note := func(k kind, typ string) {
		if registry.factory(k, typ) == nil && !slices.Contains(missing, typ) {
			missing = append(missing, typ)
		}
	}
	for _, d := range t.data {
		note(kindDataSource, d.typ)
	}
	for _, s := range t.sources {
		note(kindBuilder, s.typ)
	}
	for _, block := range t.builds {
		noteTypes(block.Body, note)
	}
	slices.Sort(missing)
	return missing
}

// kinds are those of the blocks in a build.
var kinds = map[string]kind{
	"provisioner":               kindProvisioner,
	"error-cleanup-provisioner": kindProvisioner,
	"post-processor":            kindPostProcessor,
}

var typesSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "provisioner", LabelNames: []string{"type"}},
	{Type: "error-cleanup-provisioner", LabelNames: []string{"type"}},
	{Type: "post-processor", LabelNames: []string{"type"}},
	{Type: "post-processors"},
	{Type: "dynamic", LabelNames: []string{"block"}},
}}

// noteTypes notes the types of the components in the body of a build, or of a chain in it.
func noteTypes(body hcl.Body, note func(kind, string)) {
	content, _, _ := body.PartialContent(typesSchema)
	for _, block := range content.Blocks {
		name, labels, inner := block.Type, block.Labels, block.Body
		if name == "dynamic" {
			name = block.Labels[0]
			labels, inner = dynamicParts(block.Body)
		}
		if k, ok := kinds[name]; ok && len(labels) == 1 {
			note(k, labels[0])
		}
		if name == "post-processors" {
			noteTypes(inner, note)
		}
	}
}

// dynamicParts returns the labels and the body of the blocks that a dynamic block makes.
// Labels that have to be computed are none.
func dynamicParts(body hcl.Body) ([]string, hcl.Body) {
	content, _, _ := body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "labels"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	})
	labels, _ := readTexts(content.Attributes["labels"], nil)
	for _, block := range content.Blocks {
		return labels, block.Body
	}
	return labels, hcl.EmptyBody()
}
