package qemu

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/test/doctable"
)

// TestBesideHashiCorps: the page lists every option of that builder, and what it says of ours
// is so: the same is here, and what is not here is refused.
func TestBesideHashiCorps(t *testing.T) {
	table, err := doctable.Read("../../docs/compatibility.md", "HashiCorp's QEMU builder")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("testdata/hashicorp-qemu.txt")
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#") {
			theirs = append(theirs, strings.Fields(line)...)
		}
	}
	ours := hcldec.ImpliedType(new(Builder).ConfigSpec()).AttributeTypes()
	for _, name := range theirs {
		kind, here := ours[name]
		switch table[name] {
		case doctable.Same:
			if !here {
				t.Errorf("%s: the page says that it is here", name)
			}
		case doctable.Better:
		case doctable.No:
			if here && name != "disk_image" && !refused(name, kind) {
				t.Errorf("%s: the page says that it is not here, and it is taken", name)
			}
		default:
			t.Errorf("%s: it is not on the page", name)
		}
	}
	for name := range table {
		if !slices.Contains(theirs, name) {
			t.Errorf("%s: it is on the page, and no option of theirs", name)
		}
	}
}

// refused tells whether a template with the option is refused, naming it.
func refused(name string, kind cty.Type) bool {
	var value any = "5m"
	switch kind {
	case cty.Number:
		value = 7
	case cty.Bool:
		value = true
	case cty.List(cty.Number): // bytes
		value = []int{7}
	}
	_, err := prepare(map[string]any{"bootstrap": map[string]any{}, name: value})
	return err != nil && strings.Contains(err.Error(), name+": ")
}
