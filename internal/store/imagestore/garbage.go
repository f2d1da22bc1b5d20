package imagestore

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Garbage is something in the store that nobody needs.
type Garbage struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"` // on the disk
	Reason string `json:"reason"`
}

// Garbage returns what can go: images of the remembered repository that are
// neither in a channel, nor the newest of their variant, nor used by a machine,
// and what unfinished pulls left. Which images of others are in a channel is not
// known, so they stay.
func (s Store) Garbage(ctx context.Context) ([]Garbage, error) {
	images, err := s.Images()
	if err != nil {
		return nil, err
	}
	machines, err := s.Machines(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.Known()
	if err != nil {
		return nil, err
	}
	found := old(images, machines, known, time.Now())
	partials, err := s.partials()
	for _, name := range partials {
		path := s.path(partialDir, name)
		found = append(found, Garbage{Name: name, Path: path, Bytes: Allocated(path), Reason: "unfinished pull"})
	}
	return found, err
}

// old chooses among images, which are sorted, the newest first.
func old(images []Image, machines []Machine, known Known, now time.Time) []Garbage {
	var found []Garbage
	newest := map[string]bool{}
	systems := map[string]bool{} // versions of which one stays
	current := slices.Collect(maps.Values(known.Channels))
	images = slices.SortedStableFunc(slices.Values(images), func(a, b Image) int { return layout.DataLast(a.Variant, b.Variant) })
	for _, i := range images {
		if !address.Same(i.Source.Repository, known.Repository) {
			systems[i.Version] = true
			continue
		}
		first := !newest[i.Variant]
		newest[i.Variant] = true
		if first || slices.Contains(current, i.Version) || len(usersOf(i, machines)) > 0 || !i.HasSystem() && systems[i.Version] {
			systems[i.Version] = true
			continue
		}
		found = append(found, Garbage{Name: i.Name(), Path: i.Dir, Bytes: i.Allocated, Reason: "in no channel, " + Unused(i.Used, now)})
	}
	return found
}

// Unused says for how long something was not used.
func Unused(last, now time.Time) string {
	switch days := int(now.Sub(last) / (24 * time.Hour)); {
	case days < 1:
		return "used today"
	case days == 1:
		return "unused 1 day"
	default:
		return fmt.Sprintf("unused %d days", days)
	}
}

// Collect removes garbage and returns how many bytes that freed.
func (s Store) Collect(ctx context.Context, found []Garbage) (freed int64, err error) {
	for _, g := range found {
		if ctx.Err() != nil {
			return freed, context.Cause(ctx)
		}
		if err := s.collect(ctx, g); err != nil {
			return freed, err
		}
		freed += g.Bytes
	}
	return freed, nil
}

func (s Store) collect(ctx context.Context, g Garbage) error {
	images, err := s.Images()
	if err != nil {
		return err
	}
	for _, i := range images {
		if i.Dir == g.Path {
			return s.RemoveImage(ctx, i)
		}
	}
	if err := os.RemoveAll(g.Path); err != nil {
		return fmt.Errorf("removing %s: %w", g.Path, err)
	}
	return nil
}
