package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
)

// TestUpdateSizes: a diff tells how large the update is, also where the
// publisher measured none, as on the way back.
func TestUpdateSizes(t *testing.T) {
	dir := makeRepository(t)
	s := serveMoody(t, dir)
	p := newPerson(t)
	for _, line := range []string{
		"amigo-image diff --json stable nightly --from " + s.URL,
		"amigo-image diff --json nightly stable --from " + s.URL,
		fmt.Sprintf("amigo-image diff --json %[1]s/versions/2026-11-22 %[1]s/versions/2026-11-15", dir),
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

// TestOtherVariant: versions of one image each are compared whatever those are.
func TestOtherVariant(t *testing.T) {
	s := publishVariants(t, time.Now().Add(-time.Hour), []string{"distribution"}, []string{"production"})
	status, out, errs := newPerson(t).types("amigo-image diff --json stable nightly --from " + s.dir)
	found, err := changes.Decode([]byte(out))
	if status != 0 || err != nil || len(found.Images) != 1 || found.Images[0].Update < 3<<19 {
		t.Errorf("%d, %v\n%s%s", status, err, out, errs)
	}
}
