package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// racers is how many writers of a probe try to make one file.
const racers = 8

// UnsafeError says that a store lets two publishers overwrite each other.
type UnsafeError struct {
	Location string
	Found    string
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%s does not lock out other publishers: %s", e.Location, e.Found)
}

// Fault implements [fault.Reporter].
func (e *UnsafeError) Fault() fault.Report {
	return fault.Report{
		What: "the store cannot lock out other publishers", Where: e.Error(), Code: fault.Publish,
		Try: fault.Retry(fault.SinglePublisher),
	}
}

// Probe finds out whether a store keeps its promises: of several writers that
// make one file one succeeds, and what was changed is not overwritten by who
// read it before. If not, the error is an [*UnsafeError]; it is then up to
// people that only one of them publishes.
func (s *Store) Probe(ctx context.Context) error {
	name := path.Join(layout.StateDir, "probe."+rand.Text())
	found, err := s.race(ctx, name)
	if err == nil && found == "" {
		found, err = s.stale(ctx, name)
	}
	if err := errors.Join(err, s.Remove(context.WithoutCancel(ctx), name)); err != nil {
		return fmt.Errorf("trying the store: %w", err)
	}
	if found != "" {
		return &UnsafeError{Location: s.location, Found: found}
	}
	return nil
}

// race counts who succeeds in making one file.
func (s *Store) race(ctx context.Context, name string) (found string, err error) {
	start := make(chan struct{})
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			<-start
			errs[i] = s.Create(ctx, name, strings.NewReader(fmt.Sprint(i)))
		})
	}
	close(start)
	all.Wait()
	winners := 0
	for _, err := range errs {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrChanged):
			return "", err
		}
	}
	if winners != 1 {
		return fmt.Sprintf("%d of %d writers made the same file", winners, racers), nil
	}
	return "", nil
}

// stale tries to overwrite what has changed since it was read.
func (s *Store) stale(ctx context.Context, name string) (found string, err error) {
	_, old, err := s.ReadTagged(ctx, name)
	if err != nil {
		return "", err
	}
	if err := s.Swap(ctx, name, old, []byte("second")); err != nil {
		return "", err
	}
	err = s.backend.write(ctx, name, strings.NewReader("third"), condition{tag: old, blind: true})
	switch {
	case err == nil:
		return "a file was overwritten that had changed", nil
	case errors.Is(err, ErrChanged), errors.Is(err, fs.ErrExist):
		return "", nil
	default:
		return "", err
	}
}
