package doctor

import (
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/buildcache"
)

func TestSharedCache(t *testing.T) {
	for location, want := range map[string]State{
		"": OK, "file://" + t.TempDir(): OK, "file:///nowhere/at/all": Slow, "nonsense": Slow, "gopher://a/b": Slow,
	} {
		t.Setenv(buildcache.Variable, location)
		got := sharedCache(t.Context(), Host{})
		if got.State != want || want == Slow && !strings.Contains(got.Text, " can't be used: ") {
			t.Errorf("%q: %+v", location, got)
		}
	}
}
