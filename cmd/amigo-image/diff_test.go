package main

import (
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/changes"
)

// TestUpdateSizes: a diff tells how large the update is, also where the
// publisher measured none, as on the way back.
func TestUpdateSizes(t *testing.T) {
	s := serveMoody(t, makeRepository(t))
	p := newPerson(t)
	for _, line := range []string{
		"amigo-image diff --json stable nightly --from " + s.URL,
		"amigo-image diff --json nightly stable --from " + s.URL,
	} {
		status, out, errs := p.types(line)
		found, err := changes.Decode([]byte(out))
		if status != 0 || err != nil || len(found.Images) != 2 {
			t.Fatalf("%s: %d, %v\n%s%s", line, status, err, out, errs)
		}
		for _, image := range found.Images {
			// Of two of noise, one is new.
			if image.Update < 1<<20 || image.Update > 3<<19 {
				t.Errorf("%s: an update of %d bytes", line, image.Update)
			}
		}
	}
}
