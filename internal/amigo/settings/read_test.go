package settings

import (
	"bytes"
	"testing"
)

// Reading never panics, and what was read can be rendered.
func FuzzRead(f *testing.F) {
	f.Add([]byte("---\nA:\n  comment: c\n  type: list\n  value: [a, b]\n"))
	f.Add([]byte("A: {value: }"))
	f.Add([]byte("- a"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		i, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if _, err := ForImage(i, nil); err != nil {
			return
		}
		_, _ = i.Render()
	})
}
