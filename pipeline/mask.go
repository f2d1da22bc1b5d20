package pipeline

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
)

// masked stands in every output where a sensitive value was.
const masked = "<sensitive>"

// mask hides sensitive values. It is safe for concurrent use; the zero value
// and nil hide nothing.
type mask struct {
	mu       sync.RWMutex
	values   []string
	replacer *strings.Replacer
}

// add hides every string in v from now on, and each line of it.
func (m *mask) add(v cty.Value) {
	_ = cty.Walk(v, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if leaf.IsKnown() && !leaf.IsNull() && leaf.Type() == cty.String {
			m.addText(leaf.AsString())
		}
		return true, nil
	})
}

func (m *mask) addText(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range append(strings.Split(text, "\n"), text) {
		if strings.TrimSpace(line) != "" {
			m.values = append(m.values, line)
		}
	}
	// Of two that begin alike the longer must be replaced first.
	slices.SortFunc(m.values, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	m.values = slices.Compact(m.values)
	pairs := make([]string, 0, 2*len(m.values))
	for _, v := range m.values {
		pairs = append(pairs, v, masked)
	}
	m.replacer = strings.NewReplacer(pairs...)
}

func (m *mask) hide(text string) string {
	if m == nil {
		return text
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.replacer == nil {
		return text
	}
	return m.replacer.Replace(text)
}
