// Package spelling names what was meant by the arguments and blocks of HCL that
// nobody knows. HCL's own suggestion is the first name that is not far away;
// this one is the nearest.
package spelling

import (
	"fmt"
	"regexp"

	"github.com/hashicorp/hcl/v2"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

// Body returns body with better suggestions, in the blocks in it as well.
func Body(body hcl.Body) hcl.Body { return spelled{body} }

type spelled struct{ hcl.Body }

func (s spelled) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := s.Body.Content(schema)
	return within(content), respelled(diags, schema)
}

func (s spelled) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := s.Body.PartialContent(schema)
	return within(content), Body(rest), respelled(diags, schema)
}

func within(content *hcl.BodyContent) *hcl.BodyContent {
	if content == nil {
		return nil
	}
	inner := *content
	inner.Blocks = make(hcl.Blocks, len(content.Blocks))
	for i, block := range content.Blocks {
		inner.Blocks[i] = new(hcl.Block)
		*inner.Blocks[i] = *block
		inner.Blocks[i].Body = Body(block.Body)
	}
	return &inner
}

var (
	argument = regexp.MustCompile(`^An argument named "([^"]+)" is not expected here\.( Did you mean "[^"]+"\?)?$`)
	block    = regexp.MustCompile(`^Blocks of type "([^"]+)" are not expected here\.( Did you mean "[^"]+"\?)?$`)
)

// respelled leaves alone what says more, such as that a block is meant.
func respelled(diags hcl.Diagnostics, schema *hcl.BodySchema) hcl.Diagnostics {
	for _, d := range diags {
		if match := argument.FindStringSubmatch(d.Detail); match != nil {
			var known []string
			for _, a := range schema.Attributes {
				known = append(known, a.Name)
			}
			d.Detail = fmt.Sprintf("An argument named %q is not expected here.%s", match[1], suggestion(match[1], known))
		}
		if match := block.FindStringSubmatch(d.Detail); match != nil {
			var known []string
			for _, b := range schema.Blocks {
				known = append(known, b.Type)
			}
			d.Detail = fmt.Sprintf("Blocks of type %q are not expected here.%s", match[1], suggestion(match[1], known))
		}
	}
	return diags
}

func suggestion(wrong string, known []string) string {
	if near := nearest.Name(wrong, known); near != "" {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}
