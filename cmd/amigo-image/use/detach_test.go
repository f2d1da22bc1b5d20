package use

import (
	"slices"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// What a detached run starts does not detach again, whatever the environment
// says.
func TestDetachedRunStays(t *testing.T) {
	f := &runFlags{detach: true}
	if args := f.childArguments(imagestore.Machine{Version: "2026-11-15"}); !slices.Contains(args, "--detach=false") {
		t.Errorf("%q", args)
	}
}
