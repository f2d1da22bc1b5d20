//go:build vm

package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store/storetest"
)

// TestServers holds the stores of three protocols to what is expected of every
// store.
func TestServers(t *testing.T) {
	for name, start := range storetest.All() {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			at := func(dir string) func() (*Store, error) {
				return func() (*Store, error) { return Open(t.Context(), server.Location(dir)) }
			}
			in := func(dir string, check func(t *testing.T, s *Store)) {
				t.Run(dir, func(t *testing.T) {
					s, err := at(dir)()
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = s.Close() }()
					check(t, s)
				})
			}
			in("writes", writesAreConditional)
			in("large", large)
			in("lock", lock)
			in("dead", lockOfTheDead)
			t.Run("missing", func(t *testing.T) {
				var access *AccessError
				if _, err := Open(t.Context(), server.Address("nothing", "go")); !errors.As(err, &access) || access.Obstacle != NoBucket {
					t.Errorf("a bucket that is not there: %v", err)
				}
			})
			t.Run("winner", func(t *testing.T) { oneWinner(t, at("winner")) })
		})
	}
}

// large: conditions hold for what is sent in parts, too, and half a file is none.
func large(t *testing.T, s *Store) {
	const size = 20 << 20 // more than any of the libraries sends at once
	body := func() io.Reader { return bytes.NewReader(make([]byte, size)) }
	if err := s.Create(t.Context(), "half", io.MultiReader(body(), &failing{})); err == nil {
		t.Error("half a file was written")
	}
	if err := s.Create(t.Context(), "whole", body()); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "whole", body()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	_, old, err := s.ReadTagged(t.Context(), "whole")
	if !strings.Contains(err.Error(), "more than") {
		t.Errorf("read into memory: %v, %v", old, err)
	}
	left, err := s.List(t.Context(), "")
	if err != nil || len(left) != 1 || left[0].Path != "whole" || left[0].Size != size {
		t.Errorf("there are %+v, %v", left, err)
	}
}
