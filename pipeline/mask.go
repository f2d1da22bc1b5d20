package pipeline

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// masked stands in every output where a sensitive value was.
const masked = "<sensitive>"

// shortest is how many characters a value needs to be hidden: shorter ones are
// in half of all words.
const shortest = 3

// mask hides sensitive values. It is safe for concurrent use; the zero value
// and nil hide nothing.
type mask struct {
	mu       sync.RWMutex
	values   []string
	replacer *strings.Replacer
}

// add hides every string and number in v from now on, each line of it, and
// however programs write it. It tells whether nothing in v is too short for that.
func (m *mask) add(v cty.Value) bool {
	long := true
	_ = cty.Walk(v, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if !leaf.IsKnown() || leaf.IsNull() {
			return true, nil
		}
		switch leaf.Type() {
		case cty.String:
			long = m.addText(leaf.AsString()) && long
		case cty.Number:
			long = m.addText(leaf.AsBigFloat().Text('f', -1)) && long
		}
		return true, nil
	})
	return long
}

// addText hides a text. It tells whether it is long enough, or empty.
func (m *mask) addText(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range append(strings.Split(text, "\n"), text) {
		for _, part := range []string{line, strings.TrimSpace(line)} {
			if utf8.RuneCountInString(strings.TrimSpace(part)) >= shortest {
				m.values = append(m.values, spellings(part)...)
			}
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
	text = strings.TrimSpace(text)
	return text == "" || utf8.RuneCountInString(text) >= shortest
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
