package repository

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
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
	return r.redirect(ctx, channel, layout.Move{Action: layout.Promoted, Reason: reason}, dryRun, false, func(current tuf.State) (string, error) {
		return r.resolve(current, from)
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
	return r.redirect(ctx, back.Channel, move, back.DryRun, back.Revoke, func(current tuf.State) (string, error) {
		return r.earlier(current, back.Channel, back.Version)
	})
}

// redirect moves a channel to a version that the repository has. No image is
// touched.
func (r *Repository) redirect(ctx context.Context, channel string, move layout.Move, dryRun, revoke bool, find func(tuf.State) (string, error)) (Moved, error) {
	return locked(ctx, r, string(move.Action), dryRun, func(ctx context.Context) (Moved, error) {
		done := Moved{Channel: channel, Action: move.Action, DryRun: dryRun}
		current, err := r.load(ctx)
		if err != nil {
			return done, err
		}
		before, err := r.channel(current.State, channel)
		if err != nil {
			return done, err
		}
		done.From, done.Sequence = before.Version, before.Sequence
		if done.Version, err = find(current.State); err != nil {
			return done, err
		}
		done.Unchanged = done.From == done.Version
		switch {
		case dryRun:
			return done, nil
		case done.Unchanged: // but whoever moved it may have died before the pages
			return done, r.writePages(ctx, current.picture, library{})
		}
		move.Version, move.By, move.At = done.Version, r.By, r.Now()
		var bad string
		if revoke {
			bad = done.From
		}
		next, err := r.move(ctx, current, channel, move, filesOf(current.State, done.Version), bad)
		if err != nil {
			return done, err
		}
		done.Sequence++
		done.Snapshot, done.Expires = next.Version(), next.Expires()
		return done, r.writePages(ctx, next, library{})
	})
}

// move moves a channel. files are those of the version, which the channel's key
// signs besides those that it has signed already; bad is a version that is
// revoked, or "".
func (r *Repository) move(ctx context.Context, current loaded, channel string, move layout.Move, files map[string]layout.Reference, bad string) (picture, error) {
	err := r.store.Place(ctx, layout.Pointer(channel), []byte(layout.PointerBody))
	if err != nil {
		return picture{}, err
	}
	move.Manifest = files[layout.Version(move.Version, layout.ManifestFile)]
	return r.commit(ctx, current, func(current tuf.State) (map[string]tuf.ChannelEdit, error) {
		before, there, err := current.Channel(channel)
		if err != nil {
			return nil, err
		}
		if !there {
			before = layout.Channel{Channel: channel}
		}
		targets := current.Targets(channel)
		maps.Copy(targets, files)
		after := before.Moved(move)
		after.Revoked = revoked(before.Revoked, move, bad)
		return map[string]tuf.ChannelEdit{channel: {State: after, Targets: targets}}, nil
	})
}

// revoked returns the versions that nobody should use. Where a channel moves to
// is not one of them any more.
func revoked(before map[string]string, move layout.Move, bad string) map[string]string {
	after := maps.Clone(before)
	delete(after, move.Version)
	if bad == "" {
		return after
	}
	if after == nil {
		after = map[string]string{}
	}
	after[bad] = cmp.Or(move.Reason, "it was rolled back")
	return after
}

// channel returns the state of a channel that is to be signed. It may be new.
func (r *Repository) channel(current tuf.State, name string) (layout.Channel, error) {
	if !slices.Contains(current.Channels(), name) {
		return layout.Channel{}, &NotFoundError{Location: r.Location(), Kind: "channel", Name: name, Known: current.Channels()}
	}
	channel, _, err := current.Channel(name)
	return channel, err
}

func (r *Repository) notFound(current tuf.State, name string) error {
	versions := slices.Sorted(maps.Keys(signedVersions(current)))
	return &NotFoundError{Location: r.Location(), Kind: "channel or version", Name: name, Known: append(current.Channels(), versions...)}
}

// resolve returns the version that a name stands for.
func (r *Repository) resolve(current tuf.State, name string) (string, error) {
	if slices.Contains(current.Channels(), name) {
		channel, there, err := current.Channel(name)
		if err == nil && !there {
			err = fmt.Errorf("channel %s is empty: nothing was published to it yet", name)
		}
		return channel.Version, err
	}
	if _, ok := signedVersions(current)[name]; !ok {
		return "", r.notFound(current, name)
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
func (r *Repository) earlier(current tuf.State, name, wanted string) (string, error) {
	channel, err := r.channel(current, name)
	if err != nil {
		return "", err
	}
	kept := signedVersions(current)
	for _, version := range visited(channel) {
		if _, there := kept[version]; there && (wanted == "" || wanted == version) {
			return version, nil
		}
	}
	if wanted != "" {
		return r.resolve(current, wanted)
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
	current, _, err := r.loadState(ctx)
	if err != nil {
		return layout.Channel{}, err
	}
	return r.channel(current, name)
}

// Current returns the version that a channel is at, or "".
func (r *Repository) Current(ctx context.Context, channel string) (string, error) {
	current, _, err := r.loadState(ctx)
	if err != nil {
		return "", err
	}
	state, _, err := current.Channel(channel)
	return state.Version, err
}
