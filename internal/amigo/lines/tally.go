package lines

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// examples is how many places of a kind of fault are remembered.
const examples = 3

// Note is told of something that was found at a place: what it is, and what stands
// there, or "". Without a place, the latter is what it is about.
type Note func(at Place, what, detail string)

// Tally counts what was left out or changed, by kind, with the first places.
type Tally struct {
	Kinds map[string]*Count // by what they are
}

// Count is how often something was found.
type Count struct {
	What   string
	Number int
	First  []string // places with what stands there
}

// Add is a [Note] that counts one more of a kind.
func (t *Tally) Add(at Place, what, detail string) {
	if t.Kinds == nil {
		t.Kinds = map[string]*Count{}
	}
	count, known := t.Kinds[what]
	if !known {
		count = &Count{What: what}
		t.Kinds[what] = count
	}
	count.Number++
	if len(count.First) < examples {
		count.First = append(count.First, example(at, fault.Short(detail, longest)))
	}
}

func example(at Place, detail string) string {
	switch {
	case at == (Place{}):
		return detail
	case detail == "":
		return at.String()
	}
	return at.String() + " (" + detail + ")"
}

// Total is how often anything was found.
func (t *Tally) Total() (n int) {
	for _, count := range t.Kinds {
		n += count.Number
	}
	return n
}

// Counts returns what was found, the most frequent first.
func (t *Tally) Counts() []Count {
	var all []Count
	for _, count := range t.Kinds {
		all = append(all, *count)
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), strings.Compare(a.What, b.What))
	})
	return all
}

// String returns a line for people.
func (c Count) String() string {
	more := ""
	if c.Number > len(c.First) {
		more = ", ..."
	}
	return fmt.Sprintf("%d x %s: %s%s", c.Number, c.What, strings.Join(c.First, ", "), more)
}
