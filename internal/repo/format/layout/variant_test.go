package layout

import "testing"

func TestVariantName(t *testing.T) {
	for _, test := range []struct{ variant, arch, name string }{
		{"production", "amd64", "production"},
		{"production", "arm64", "production-arm64"},
		{"my-own", "arm64", "my-own-arm64"},
		{"my-own", "amd64", "my-own"},
	} {
		if got := VariantName(test.variant, test.arch); got != test.name {
			t.Errorf("%+v is called %q", test, got)
		}
		if variant, a := SplitVariant(test.name); variant != test.variant || a.Name != test.arch {
			t.Errorf("%q is %q of %s", test.name, variant, a.Name)
		}
	}
	if got := VariantName("production", ""); got != "production" {
		t.Error(got)
	}
	if variant, a := SplitVariant("-arm64"); variant != "-arm64" || a.Name != "amd64" {
		t.Errorf("%q of %s", variant, a.Name)
	}
}
