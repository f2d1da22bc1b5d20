package buildcache

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// messages counts what people read.
type messages struct{ phases []string }

func (m *messages) Emit(e event.Event) {
	if e.Type == event.Message || e.Type == event.Warning {
		m.phases = append(m.phases, e.Phase+" "+string(e.Type))
	}
}

// TestOpen: two caches share what one has made, if they are told to.
func TestOpen(t *testing.T) {
	fill := func(dir string) error { return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644) }
	for location, shares := range map[string]bool{"": false, "file://" + t.TempDir(): true} {
		t.Setenv(Variable, location)
		for host := range 2 {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			sink := new(messages)
			c, release, err := Open(sink)
			if err != nil {
				t.Fatal(err)
			}
			_, cached, err := c.Get(t.Context(), "bundle", cache.Key("x"), fill)
			release()
			if err != nil || cached != (shares && host == 1) {
				t.Errorf("%q, host %d: cached %v, %v", location, host, cached, err)
			}
			if shares != (len(sink.phases) == 1 && sink.phases[0] == "bundles message") {
				t.Errorf("%q, host %d: %q", location, host, sink.phases)
			}
		}
	}
}
