package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// Refreshed says what a refresh did.
type Refreshed struct {
	Snapshot int64     `json:"snapshot"`
	Expires  time.Time `json:"expires"`
	Due      []tuf.Due `json:"due,omitempty"` // roles that expire soon and need another key
	// Late is until when the timestamp was good, if half of its life was over.
	Late time.Time `json:"late,omitzero"`
}

// Warnings says in words what people have to do.
func (r Refreshed) Warnings() []string {
	var all []string
	for _, due := range r.Due {
		all = append(all, fmt.Sprintf("%s is good until %s only; somebody with its key must sign it again", due.Role, due.Expires.UTC().Format(time.DateOnly)))
	}
	if !r.Late.IsZero() {
		all = append(all, fmt.Sprintf("before this refresh the timestamp was good until %s only; refresh twice a day", r.Late.UTC().Format("2006-01-02 15:04 MST")))
	}
	return all
}

// Refresh renews the signatures on the state, and rewrites the pages.
func (r *Repository) Refresh(ctx context.Context) (Refreshed, error) { return r.refresh(ctx) }

// nightsKept is how many nights the page tells of.
const nightsKept = 60

// Announce writes the result of a nightly run on the pages and refreshes.
func (r *Repository) Announce(ctx context.Context, night layout.Night) (Refreshed, error) {
	return r.refresh(ctx, night)
}

func (r *Repository) refresh(ctx context.Context, fresh ...layout.Night) (Refreshed, error) {
	return locked(ctx, r, "refresh", false, func(ctx context.Context) (Refreshed, error) {
		current, err := r.load(ctx)
		if err != nil {
			return Refreshed{}, err
		}
		if len(fresh) > 0 {
			nights := slices.Concat(fresh, current.notes.nights.value)
			current.notes.nights, err = writeNote(ctx, r.store, nightsFile, current.notes.nights, nights[:min(len(nights), nightsKept)])
			if err != nil {
				return Refreshed{}, err
			}
		}
		now := r.Now()
		next, err := r.commit(ctx, current, func(tuf.State) (map[string]tuf.ChannelEdit, error) { return nil, nil })
		if err != nil {
			return Refreshed{}, err
		}
		done := Refreshed{Snapshot: next.Version(), Expires: next.Expires(), Due: next.Due(r.policy, now)}
		if current.Late(r.policy, now) {
			done.Late = current.Expires()
		}
		return done, r.writePages(ctx, next, library{})
	})
}
