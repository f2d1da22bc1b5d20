package pipeline

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns a template, or a file of variables, with the spaces and indents that are
// usual in HCL. name is what errors call it. JSON is not HCL's own syntax, and can't be
// formatted. An error is a [*TemplateError].
func Format(name string, text []byte) ([]byte, error) {
	parser := hclparse.NewParser()
	if _, diags := parseText(parser, text, name); diags.HasErrors() {
		return nil, &TemplateError{Diagnostics: diags, files: map[string]*hcl.File{name: {Bytes: text}}, mask: &mask{}}
	}
	return hclwrite.Format(text), nil
}
