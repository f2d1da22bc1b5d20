package repository

import "testing"

func TestContact(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                  true,
		"https://github.com/geneontology/x": true,
		"mailto:help@example.org":           true,
		"mailto:go.help+amigo@example.org":  true,
		"mailto:":                           false,
		"mailto:a@b.org?body=x":             false,
		"mailto:a@b.org,c@d.org":            false,
		"mailto:a b@c.org":                  false,
		"javascript:alert(1)":               false,
	} {
		if err := checkContact(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
