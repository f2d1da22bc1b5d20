package pipeline

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	functions "github.com/geneontology/packer-plugin-amigo/pipeline/function"
)

// Template is a parsed template: its variables have their values. Its components are
// not known yet, so neither is what data sources give.
type Template struct {
	files     *sources
	variables variables
	scope     *scope // without local and data
	mask      *mask
	locals    map[string]local
	data      map[string]*dataBlock // by data.TYPE.NAME
	sources   map[string]*sourceBlock
	builds    hcl.Blocks
	required  []RequiredPlugin
	warnings  hcl.Diagnostics
}

// Parse reads the template at path, a file, a directory or "-", and gives its
// variables their values. An error is a [*TemplateError].
func Parse(path string, in Input) (*Template, error) {
	t := &Template{mask: &mask{}, data: map[string]*dataBlock{}, sources: map[string]*sourceBlock{}}
	var diags hcl.Diagnostics
	t.files, diags = load(path, in)
	if diags.HasErrors() {
		return nil, t.fail(diags)
	}
	steps := []func(Input) hcl.Diagnostics{
		t.readRequirements, t.readVariables, t.readLocals, t.readData, t.readSources, t.readBuilds,
	}
	for _, step := range steps {
		diags = append(diags, step(in)...)
		if diags.HasErrors() {
			return nil, t.fail(diags)
		}
	}
	t.warnings = diags
	return t, nil
}

// fail turns diagnostics into an error, in the order of the template's lines.
// What several builds have in common is told once.
func (t *Template) fail(found hcl.Diagnostics) *TemplateError {
	var diags hcl.Diagnostics
	for _, d := range found {
		diags = append(diags, hinted(*d))
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
	seen := map[string]bool{}
	diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		text := d.Error() + d.Detail
		again := seen[text]
		seen[text] = true
		return again
	})
	return &TemplateError{Diagnostics: diags, files: t.files.parser.Files(), private: t.files.private, mask: t.mask}
}

// Warnings returns what should be told though it stops nothing, or nil.
func (t *Template) Warnings() *TemplateError {
	if len(t.warnings) == 0 {
		return nil
	}
	return t.fail(t.warnings)
}

func (t *Template) readRequirements(Input) hcl.Diagnostics {
	diags := t.checkBlocks()
	return append(diags, t.readPackerBlocks()...)
}

// checkBlocks finds what does not belong at the top of a template.
func (t *Template) checkBlocks() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, body := range t.files.bodies {
		content, more := body.Content(rootSchema)
		diags = append(diags, more...)
		for _, block := range content.Blocks {
			if block.Type == "communicator" {
				diags = append(diags, ignored(block))
			}
		}
	}
	return diags
}

func ignored(block *hcl.Block) *hcl.Diagnostic {
	return warningAt(block.DefRange, "Block without effect", "The block %s is ignored.", block.Type)
}

func (t *Template) readVariables(in Input) hcl.Diagnostics {
	t.scope = newScope(t.files.root)
	declared, diags := declare(t.files, functions.WithEnv(t.files.root))
	if diags.HasErrors() {
		return diags
	}
	t.variables = declared
	diags = append(diags, in.assign(t.files, declared)...)
	if diags.HasErrors() {
		return diags
	}
	if !in.AllowUnset {
		diags = append(diags, declared.unset()...)
	}
	object, more := declared.finish(t.scope, t.mask)
	t.scope = t.scope.with("var", object)
	return append(diags, more...)
}

func (t *Template) readLocals(Input) (diags hcl.Diagnostics) {
	t.locals, diags = readLocals(t.files)
	return diags
}

func (t *Template) readSources(Input) hcl.Diagnostics {
	blocks, diags := t.files.blocks("source")
	for _, block := range blocks {
		s := &sourceBlock{typ: block.Labels[0], name: block.Labels[1], declared: block.DefRange, body: block.Body}
		if old, ok := t.sources[s.ref()]; ok {
			diags = append(diags, errorAt(s.declared, "Duplicate source", "Source %q is declared already, at %s.", s.ref(), old.declared))
		}
		t.sources[s.ref()] = s
	}
	return diags
}

func (t *Template) readBuilds(Input) (diags hcl.Diagnostics) {
	t.builds, diags = t.files.blocks("build")
	return diags
}
