package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// shelf is a shared cache.
type shelf struct {
	has     string // content of the file in every entry; "": none
	half    bool   // it leaves half an entry and says so
	offered []string
	asked   int
	err     error
}

func (s *shelf) Take(_ context.Context, _, _, dir string) bool {
	s.asked++
	if s.half {
		s.err = write("half")(dir)
		return false
	}
	if s.has != "" {
		s.err = write(s.has)(dir)
	}
	return s.has != ""
}

func (s *shelf) Offer(_ context.Context, kind, _, dir, work string) {
	content, err := os.ReadFile(filepath.Join(dir, "file"))
	s.offered = append(s.offered, kind+" "+string(content))
	s.err = errors.Join(s.err, err, write("archive")(work))
}

// entry gets an entry that is filled with "own", and returns its content.
func entry(t *testing.T, c Dir, kind string) (content string, cached bool) {
	t.Helper()
	dir, cached, err := c.Get(t.Context(), kind, key, func(dir string) error {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("to be filled, with %v in it: %v", left, err)
		}
		return write("own")(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if there(dir+partialSuffix) || there(dir+lockSuffix) {
		t.Error("something is left beside the entry")
	}
	return string(text), cached
}

func TestShared(t *testing.T) {
	for name, test := range map[string]struct {
		shelf   shelf
		kind    string
		content string
		cached  bool
		asked   int
		offered []string
	}{
		"what is there is taken":               {shelf{has: "theirs"}, "base", "theirs", true, 1, nil},
		"what is not is made and offered":      {shelf{}, "rootfs", "own", false, 1, []string{"rootfs own"}},
		"half an entry is none":                {shelf{half: true}, "bundle", "own", false, 1, []string{"bundle own"}},
		"what is of this host stays with this": {shelf{has: "theirs"}, "accelerator", "own", false, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.shelf
			c := At(t.TempDir()).Sharing(&s)
			for i := range 2 {
				content, cached := entry(t, c, test.kind)
				if content != test.content || cached != (test.cached || i == 1) {
					t.Errorf("got %q, cached %v", content, cached)
				}
			}
			if s.err != nil || s.asked != test.asked || !slices.Equal(s.offered, test.offered) {
				t.Errorf("asked %d times, offered %q, %v", s.asked, s.offered, s.err)
			}
		})
	}
}

// TestSharedEndsWithItsContext: who was stopped while the entry came does not make
// it, and leaves nothing.
func TestSharedEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := At(t.TempDir()).Sharing(stopping(cancel))
	_, _, err := c.Get(ctx, "base", key, func(string) error { return errors.New("it is made") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(c.Path(), "base")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// stopping is a shared cache that the user stops.
type stopping func()

func (s stopping) Take(_ context.Context, _, _, dir string) bool {
	_ = write("half")(dir)
	s()
	return false
}

func (stopping) Offer(context.Context, string, string, string, string) {}
