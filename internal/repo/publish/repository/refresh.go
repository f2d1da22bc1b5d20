package repository

import (
	"context"
	"fmt"
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
func (r *Repository) Refresh(ctx context.Context) (Refreshed, error) {
	return r.refresh(ctx, func(context.Context) error { return nil })
}

// nightsKept is how many nights the page tells of.
const nightsKept = 60

// Announce writes the result of a nightly run on the pages and refreshes.
func (r *Repository) Announce(ctx context.Context, night layout.Night) (Refreshed, error) {
	return r.refresh(ctx, func(ctx context.Context) error {
		var nights []layout.Night
		if err := r.readState(ctx, nightsFile, &nights); err != nil {
			return err
		}
		nights = append([]layout.Night{night}, nights...)
		return r.writeState(ctx, nightsFile, nights[:min(len(nights), nightsKept)])
	})
}

func (r *Repository) refresh(ctx context.Context, before func(ctx context.Context) error) (Refreshed, error) {
	var done Refreshed
	err := r.locked(ctx, "refresh", false, func(ctx context.Context) error {
		if err := before(ctx); err != nil {
			return err
		}
		now, late := r.Now(), time.Time{}
		next, err := r.commit(ctx, func(before tuf.State) (map[string]tuf.ChannelEdit, error) {
			if late = (time.Time{}); before.Late(r.policy, now) {
				late = before.Expires()
			}
			return nil, nil
		})
		if err != nil {
			return err
		}
		done = Refreshed{Snapshot: next.Version(), Expires: next.Expires(), Due: next.Due(r.policy, now), Late: late}
		return r.writePages(ctx, next)
	})
	return done, err
}
