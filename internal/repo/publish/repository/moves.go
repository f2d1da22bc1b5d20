package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/sign"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Moved says how a channel moved.
type Moved struct {
	Channel   string        `json:"channel"`
	Action    layout.Action `json:"action"`
	From      string        `json:"from,omitempty"` // version
	Version   string        `json:"version"`
	Unchanged bool          `json:"unchanged"`
	DryRun    bool          `json:"dry_run,omitempty"`
	Sequence  int64         `json:"sequence"`
	Snapshot  int64         `json:"snapshot,omitempty"`
	Expires   time.Time     `json:"expires,omitzero"`
}

// Promote moves a channel to the version that from is: a channel, or a version.
func (r *Repository) Promote(ctx context.Context, from, channel, reason string, dryRun bool) (Moved, error) {
	if err := checkReason(reason); err != nil {
		return Moved{}, err
	}
	return r.redirect(ctx, channel, layout.Move{Action: layout.Promoted, Reason: reason}, dryRun, false, func(now sign.State) (string, error) {
		return r.resolve(now, from)
	})
}

// Back says how a channel goes back.
type Back struct {
	Channel string
	Version string // "": the one before the current one
	Reason  string
	Revoke  bool // tell readers not to use the version that it was at
	DryRun  bool
}

// Rollback moves a channel back to an older version of its history.
func (r *Repository) Rollback(ctx context.Context, back Back) (Moved, error) {
	if err := checkReason(back.Reason); err != nil {
		return Moved{}, err
	}
	move := layout.Move{Action: layout.RolledBack, Reason: back.Reason}
	return r.redirect(ctx, back.Channel, move, back.DryRun, back.Revoke, func(now sign.State) (string, error) {
		return r.earlier(now, back.Channel, back.Version)
	})
}

// redirect moves a channel to a version that the repository has. No image is
// touched.
func (r *Repository) redirect(ctx context.Context, channel string, move layout.Move, dryRun, revoke bool, find func(sign.State) (string, error)) (Moved, error) {
	done := Moved{Channel: channel, Action: move.Action, DryRun: dryRun}
	err := r.locked(ctx, string(move.Action), dryRun, func(ctx context.Context) error {
		now, err := r.load(ctx)
		if err != nil {
			return err
		}
		before, err := r.channel(now.State, channel)
		if err != nil {
			return err
		}
		done.From, done.Sequence = before.Version, before.Sequence
		if done.Version, err = find(now.State); err != nil {
			return err
		}
		done.Unchanged = done.From == done.Version
		switch {
		case dryRun:
			return nil
		case done.Unchanged: // but whoever moved it may have died before the pages
			return r.writePages(ctx, now.State)
		}
		move.Version, move.By, move.At = done.Version, r.By, r.Now()
		var bad string
		if revoke {
			bad = done.From
		}
		next, err := r.move(ctx, channel, move, filesOf(now.State, done.Version), bad)
		if err != nil {
			return err
		}
		done.Sequence++
		done.Snapshot, done.Expires = next.Version(), next.Expires()
		return r.writePages(ctx, next)
	})
	return done, err
}

// channel returns the state of a channel that is to be signed. It may be new.
func (r *Repository) channel(now sign.State, name string) (layout.Channel, error) {
	if !slices.Contains(now.Channels(), name) {
		return layout.Channel{}, r.notFound(now, name)
	}
	channel, _, err := now.Channel(name)
	return channel, err
}

func (r *Repository) notFound(now sign.State, name string) error {
	versions := slices.Sorted(maps.Keys(signedVersions(now)))
	return &NotFoundError{Location: r.Location(), Name: name, Known: append(now.Channels(), versions...)}
}

// resolve returns the version that a name stands for.
func (r *Repository) resolve(now sign.State, name string) (string, error) {
	if slices.Contains(now.Channels(), name) {
		channel, there, err := now.Channel(name)
		if err == nil && !there {
			err = fmt.Errorf("channel %s is empty: nothing was published to it yet", name)
		}
		return channel.Version, err
	}
	if _, ok := signedVersions(now)[name]; !ok {
		return "", r.notFound(now, name)
	}
	return name, nil
}

// NoEarlierError says that a channel has nothing to go back to.
type NoEarlierError struct{ Channel string }

func (e *NoEarlierError) Error() string {
	return fmt.Sprintf("channel %s has no earlier version that is still there", e.Channel)
}

// Fault implements [fault.Reporter].
func (e *NoEarlierError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.NotFound, Try: fault.To(fault.Promote, e.Channel)}
}

// earlier returns the version that a rollback leads to.
func (r *Repository) earlier(now sign.State, name, wanted string) (string, error) {
	channel, err := r.channel(now, name)
	if err != nil {
		return "", err
	}
	kept := signedVersions(now)
	for _, version := range visited(channel) {
		if _, there := kept[version]; there && (wanted == "" || wanted == version) {
			return version, nil
		}
	}
	if wanted != "" {
		return r.resolve(now, wanted)
	}
	return "", &NoEarlierError{Channel: name}
}

// visited returns the versions that lie behind a channel, the nearest first. A
// rollback takes from the trail what it went back over, so that a second one
// leads further back and not to and fro.
func visited(c layout.Channel) []string {
	var way []string
	for _, move := range slices.Backward(c.History) {
		if i := slices.Index(way, move.Version); i >= 0 && move.Action == layout.RolledBack {
			way = way[:i]
		}
		way = append(slices.DeleteFunc(way, func(v string) bool { return v == move.Version }), move.Version)
	}
	if len(way) == 0 {
		return nil
	}
	way = way[:len(way)-1]
	slices.Reverse(way)
	return way
}

// History returns how a channel came where it is, newest first.
func (r *Repository) History(ctx context.Context, name string) (layout.Channel, error) {
	now, err := r.load(ctx)
	if err != nil {
		return layout.Channel{}, err
	}
	return r.channel(now.State, name)
}

// Current returns the version that a channel is at, or "".
func (r *Repository) Current(ctx context.Context, channel string) (string, error) {
	now, err := r.load(ctx)
	if err != nil {
		return "", err
	}
	state, _, err := now.Channel(channel)
	return state.Version, err
}
