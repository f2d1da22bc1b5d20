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
	Revoked   bool          `json:"revoked,omitempty"` // the version that it left
	DryRun    bool          `json:"dry_run,omitempty"`
	Sequence  int64         `json:"sequence"`
	Snapshot  int64         `json:"snapshot,omitempty"`
	Expires   time.Time     `json:"expires,omitzero"`
}

// Promotion says which version a channel moves to.
type Promotion struct {
	From      string // a channel, or a version
	Channel   string
	Reason    string
	Reinstate bool // even if the version was revoked, which ends
	DryRun    bool
}

// Promote moves a channel to a version. One that was revoked is a [*RevokedError].
func (r *Repository) Promote(ctx context.Context, p Promotion) (Moved, error) {
	if err := checkReason(p.Reason); err != nil {
		return Moved{}, err
	}
	return r.redirect(ctx, redirection{
		channel: p.Channel, move: layout.Move{Action: layout.Promoted, Reason: p.Reason}, reinstate: p.Reinstate, dryRun: p.DryRun,
		find: func(current tuf.State) (string, error) { return r.resolve(current, p.From) },
	})
}

// Back says how a channel goes back.
type Back struct {
	Channel   string
	Version   string // "": the one before the current one that was not revoked
	Reason    string
	Revoke    bool // tell readers not to use the version that it was at
	Reinstate bool // even if the version was revoked, which ends
	DryRun    bool
}

// Rollback moves a channel back to an older version of its history. One that was
// revoked is a [*RevokedError].
func (r *Repository) Rollback(ctx context.Context, back Back) (Moved, error) {
	if err := checkReason(back.Reason); err != nil {
		return Moved{}, err
	}
	return r.redirect(ctx, redirection{
		channel: back.Channel, move: layout.Move{Action: layout.RolledBack, Reason: back.Reason},
		revoke: back.Revoke, reinstate: back.Reinstate, dryRun: back.DryRun,
		find: func(current tuf.State) (string, error) { return r.earlier(current, back.Channel, back.Version) },
	})
}

// redirection is how a channel moves to a version that the repository has.
type redirection struct {
	channel                   string
	move                      layout.Move // as far as it is known before
	revoke, reinstate, dryRun bool
	find                      func(tuf.State) (version string, err error)
}

// redirect moves a channel. No image is touched.
func (r *Repository) redirect(ctx context.Context, to redirection) (Moved, error) {
	return locked(ctx, r, string(to.move.Action), to.dryRun, func(ctx context.Context) (Moved, error) {
		done := Moved{Channel: to.channel, Action: to.move.Action, DryRun: to.dryRun, Revoked: to.revoke}
		current, err := r.load(ctx)
		if err != nil {
			return done, err
		}
		before, err := r.channel(current.State, to.channel)
		if err != nil {
			return done, err
		}
		done.From, done.Sequence = before.Version, before.Sequence
		if done.Version, err = to.target(current.State); err != nil {
			return done, err
		}
		done.Unchanged = done.From == done.Version
		switch {
		case to.dryRun:
			return done, nil
		case done.Unchanged: // but whoever moved it may have died before the pages
			return done, r.writePages(ctx, current.picture, library{})
		}
		move, bad := to.move, ""
		move.Version, move.By, move.At = done.Version, r.By, r.Now()
		if to.revoke {
			bad = done.From
		}
		known, err := r.read(ctx, current.State, library{})
		if err != nil {
			return done, err
		}
		next, err := r.move(ctx, current, to.channel, move, filesOf(current.State, known.version(done.Version)), bad)
		if err != nil {
			return done, err
		}
		done.Sequence++
		done.Snapshot, done.Expires = next.Version(), next.Expires()
		return done, r.writePages(ctx, next, known)
	})
}

// target is the version to move to. What any channel revoked is one only if that is
// to end.
func (to redirection) target(current tuf.State) (string, error) {
	version, err := to.find(current)
	if err != nil || to.reinstate {
		return version, err
	}
	for _, name := range current.Channels() {
		channel, _, err := current.Channel(name)
		if err != nil {
			return "", err
		}
		if reason, ok := channel.Revoked[version]; ok {
			return "", &RevokedError{Version: version, Channel: name, Reason: reason}
		}
	}
	return version, nil
}

// RevokedError says that readers are told not to use the version that a channel is to
// move to.
type RevokedError struct{ Version, Channel, Reason string }

func (e *RevokedError) Error() string {
	return fmt.Sprintf("version %s was revoked in channel %s: %s", e.Version, e.Channel, e.Reason)
}

// Fault implements [fault.Reporter].
func (e *RevokedError) Fault() fault.Report {
	return fault.Report{
		What: fmt.Sprintf("version %s was revoked in channel %s", e.Version, e.Channel), Where: e.Reason,
		Code: fault.Usage, Try: fault.Retry(fault.Reinstate),
	}
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
	if wanted != "" {
		return r.resolve(current, wanted)
	}
	for _, version := range behind(channel) {
		if _, there := kept[version]; there {
			return version, nil
		}
	}
	return "", &NoEarlierError{Channel: name}
}

// behind returns the versions that a rollback may lead to by itself, the nearest
// first: the way back without what was revoked.
func behind(c layout.Channel) []string {
	return slices.DeleteFunc(visited(c), func(version string) bool {
		_, revoked := c.Revoked[version]
		return revoked
	})
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
