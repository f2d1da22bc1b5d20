//go:build vm

package sharedcache

import (
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store/storetest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestServers: the stores of three protocols hold a shared cache, and who may only
// read it takes from it.
func TestServers(t *testing.T) {
	for name, start := range storetest.All() {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			secondHost(t, server.Location("builds"))
			twoWriters(t, server.Location("three"))
			if server.Guest == nil {
				return
			}
			for name, value := range server.Guest {
				t.Setenv(name, value)
			}
			newHost(t, server.Location("builds")).takes(t)
			guest := newHost(t, server.Location("guests"))
			guest.makes(t)
			if text := guest.told.text(event.Warning); !strings.HasPrefix(text, "base: not put into the shared cache: ") {
				t.Errorf("a guest writes: %q", text)
			}
		})
	}
}
