package component

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsimple"
)

// integration is .web-docs/metadata.hcl, as far as Packer's integrations page
// needs it to find the components' pages.
type integration struct {
	Integration struct {
		Name        string   `hcl:"name"`
		Description string   `hcl:"description"`
		Identifier  string   `hcl:"identifier"`
		Flags       []string `hcl:"flags"`
		Docs        struct {
			Process  bool   `hcl:"process_docs"`
			Readme   string `hcl:"readme_location"`
			External string `hcl:"external_url"`
		} `hcl:"docs,block"`
		License struct {
			Type string `hcl:"type"`
			URL  string `hcl:"url"`
		} `hcl:"license,block"`
		Components []page `hcl:"component,block"`
	} `hcl:"integration,block"`
}

type page struct {
	Type string `hcl:"type"`
	Name string `hcl:"name"`
	Slug string `hcl:"slug"`
}

// TestPages reads what Packer's integrations page is made of: each component
// has a page, and there is no page of another.
func TestPages(t *testing.T) {
	const root = "../.web-docs"
	var metadata integration
	if err := hclsimple.DecodeFile(filepath.Join(root, "metadata.hcl"), nil, &metadata); err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{Builder: true, Provisioner: true, Data: true, Distribution: true, Production: true, Publish: true}
	for _, c := range metadata.Integration.Components {
		text, err := os.ReadFile(filepath.Join(root, "components", c.Type, c.Slug, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		name := strings.TrimSuffix(strings.TrimPrefix(first, "Type: `"), "`")
		if !missing[name] {
			t.Errorf("%s %s begins with %q, which is not a component's or another page's", c.Type, c.Slug, first)
		}
		delete(missing, name)
	}
	for name := range missing {
		t.Errorf("%s has no page", name)
	}
	pages, err := filepath.Glob(filepath.Join(root, "components", "*", "*", "README.md"))
	if err != nil || len(pages) != len(metadata.Integration.Components) {
		t.Errorf("%d pages of %d components, %v", len(pages), len(metadata.Integration.Components), err)
	}
}
