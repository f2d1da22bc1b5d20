package event

import "strings"

// Tail keeps the last lines that are written to it: the last words of a
// program that failed.
type Tail struct {
	*Lines
	max  int
	kept []string
}

// NewTail returns a [Tail] of at most limit lines.
func NewTail(limit int) *Tail {
	t := &Tail{max: limit}
	t.Lines = NewLines(func(line string) {
		t.kept = append(t.kept, line)
		if len(t.kept) > t.max {
			t.kept = t.kept[len(t.kept)-t.max:]
		}
	})
	return t
}

// String returns the kept lines, oldest first.
func (t *Tail) String() string {
	_ = t.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.kept, "\n")
}
