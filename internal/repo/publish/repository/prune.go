package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// Rules say which versions a prune keeps.
type Rules struct {
	keep.Policy
	// History keeps what a channel was at within this time.
	History keep.Span
	// Versions are kept in any case, such as those that a paper cites.
	Versions []string
	Reason   string // for those who look for a version that went
	DryRun   bool
}

// Pruned says what a prune did.
type Pruned struct {
	Decisions []keep.Decision `json:"decisions"` // newest first
	// Withdrawn versions are not offered any more; their files go later.
	Withdrawn []layout.Tombstone `json:"withdrawn,omitempty"`
	// Removed are the versions whose files went.
	Removed []string `json:"removed,omitempty"`
	Files   int      `json:"files"` // that went
	Bytes   int64    `json:"bytes"`
	// Waiting are versions that were withdrawn and whose files are still there.
	Waiting []layout.Tombstone `json:"waiting,omitempty"`
	DryRun  bool               `json:"dry_run,omitempty"`
}

// margin is how much longer than a timestamp a withdrawn version stays, for
// those who are in the middle of it.
const margin = 24 * time.Hour

// Prune takes old versions out, in two steps: first they are not offered any
// more, and when no reader can have metadata that names them a later prune
// removes their files. What any channel is at, or would go back to, stays.
func (r *Repository) Prune(ctx context.Context, rules Rules) (Pruned, error) {
	if err := errors.Join(checkReason(rules.Reason), invalid("keep rule", rules.Check())); err != nil {
		return Pruned{DryRun: rules.DryRun}, err
	}
	return locked(ctx, r, "prune", rules.DryRun, func(ctx context.Context) (Pruned, error) {
		done := Pruned{DryRun: rules.DryRun}
		current, err := r.load(ctx)
		if err != nil {
			return done, err
		}
		known, err := r.read(ctx, current.State, library{})
		if err != nil {
			return done, err
		}
		if err := rules.checkVersions(known); err != nil {
			return done, err
		}
		if done.Decisions, err = r.decide(current.State, known, rules); err != nil {
			return done, err
		}
		done.Withdrawn = r.tombstones(done.Decisions, rules.Reason)
		return r.prune(ctx, current, known, done)
	})
}

// checkVersions finds versions to keep that are not there: a slip of the pen would
// remove the one that was meant.
func (r Rules) checkVersions(known library) error {
	var names []string
	for _, v := range known.versions() {
		names = append(names, v.Version)
	}
	var faults []error
	for _, name := range r.Versions {
		if !slices.Contains(names, name) {
			faults = append(faults, &NotFoundError{Kind: "version", Name: name, Known: names})
		}
	}
	return errors.Join(faults...)
}

// decide applies the rules to what channels sign.
func (r *Repository) decide(state tuf.State, known library, rules Rules) ([]keep.Decision, error) {
	held, err := r.retained(state, rules)
	if err != nil {
		return nil, err
	}
	var versions []keep.Version
	for _, v := range known.versions() {
		versions = append(versions, keep.Version{Name: v.Version, Time: v.Created, Held: held[v.Version]})
	}
	decisions := keep.Apply(versions, rules.Policy)
	for { // who lends may be lent to, too
		held := slices.Clone(versions)
		for i, v := range versions {
			held[i].Held = slices.Concat(v.Held, borrowers(known, decisions, v.Name))
		}
		next := keep.Apply(held, rules.Policy)
		if kept(next) == kept(decisions) {
			return next, nil
		}
		decisions = next
	}
}

// kept is how many versions stay.
func kept(decisions []keep.Decision) int {
	n := 0
	for _, d := range decisions {
		if d.Keep {
			n++
		}
	}
	return n
}

// borrowers says which versions that stay have images that a version has brought.
func borrowers(known library, decisions []keep.Decision, lender string) []string {
	var reasons []string
	for _, v := range known.versions() {
		stays := slices.ContainsFunc(decisions, func(d keep.Decision) bool { return d.Version == v.Version && d.Keep })
		for _, image := range v.Images {
			if stays && image.In == lender {
				reasons = append(reasons, fmt.Sprintf("%s uses its %s image", v.Version, image.Variant))
			}
		}
	}
	return reasons
}

// retained returns the versions that must stay whatever the rules are, and why.
func (r *Repository) retained(state tuf.State, rules Rules) (map[string][]string, error) {
	held := map[string][]string{}
	hold := func(version, reason string) { held[version] = append(held[version], reason) }
	for _, version := range rules.Versions {
		hold(version, "asked for by name")
	}
	for _, name := range state.Channels() {
		channel, there, err := state.Channel(name)
		if err != nil {
			return nil, err
		}
		if there {
			r.holdChannel(channel, rules.History, hold)
		}
		if !r.ring.Has(name) {
			for version := range versionsIn(state.Targets(name)) {
				hold(version, name+" signs it and its key is not here")
			}
		}
	}
	return held, nil
}

func (r *Repository) holdChannel(channel layout.Channel, span keep.Span, hold func(version, reason string)) {
	hold(channel.Version, "named by "+channel.Channel)
	if way := behind(channel); len(way) > 0 {
		hold(way[0], channel.Channel+" would go back to it")
	}
	since := span.Before(r.Now())
	told := map[string]bool{channel.Version: true}
	for i, move := range channel.History[min(1, len(channel.History)):] {
		left := channel.History[i].At // when the next move was
		if left.After(since) && !told[move.Version] {
			told[move.Version] = true
			until := left.Add(r.Now().Sub(since))
			hold(move.Version, fmt.Sprintf("in %s's history until %s", channel.Channel, until.UTC().Format(time.DateOnly)))
		}
	}
}

func versionsIn(targets map[string]layout.Reference) map[string]bool {
	versions := map[string]bool{}
	for file := range targets {
		versions[versionOf(file)] = true
	}
	return versions
}

// prune carries out what was decided, and returns it with what went.
func (r *Repository) prune(ctx context.Context, current loaded, known library, done Pruned) (Pruned, error) {
	stones := bury(current.notes.stones.value, done.Withdrawn)
	now := current.picture
	if !done.DryRun && len(done.Withdrawn) > 0 {
		written, err := writeNote(ctx, r.store, tombstoneFile, current.notes.stones, stones)
		if err != nil { // first: a version without a stone is never removed
			return done, err
		}
		current.notes.stones = written
		if now, err = r.withdraw(ctx, current, done.Withdrawn); err != nil {
			return done, err
		}
	}
	swept, err := r.sweep(ctx, now.State, stones, done.DryRun)
	done.Removed, done.Files, done.Bytes, done.Waiting = swept.versions, swept.files, swept.bytes, swept.waiting
	if err != nil || done.DryRun {
		return done, err
	}
	now.notes.stones, err = writeNote(ctx, r.store, tombstoneFile, now.notes.stones, swept.stones)
	if err != nil {
		return done, err
	}
	return done, r.writePages(ctx, now, known)
}

// tombstones are those of the versions that are not kept.
func (r *Repository) tombstones(decisions []keep.Decision, reason string) []layout.Tombstone {
	now := r.Now().UTC().Truncate(time.Second)
	var stones []layout.Tombstone
	for _, d := range decisions {
		if !d.Keep {
			stones = append(stones, layout.Tombstone{
				Version: d.Version, Created: d.Time, Removed: now, NotBefore: now.Add(r.window()),
				Reason: cmp.Or(reason, strings.Join(d.Reasons, ", ")),
			})
		}
	}
	return stones
}

// window is how long a reader may go by metadata that is not the newest.
func (r *Repository) window() time.Duration { return r.policy.Timestamp + margin }

// bury adds tombstones, newest first, one a version.
func bury(old, fresh []layout.Tombstone) []layout.Tombstone {
	again := map[string]bool{}
	for _, stone := range fresh {
		again[stone.Version] = true
	}
	old = slices.DeleteFunc(slices.Clone(old), func(stone layout.Tombstone) bool { return again[stone.Version] })
	return append(slices.Clone(fresh), old...)
}

// withdraw lets all channels sign all that they do, but the doomed versions.
func (r *Repository) withdraw(ctx context.Context, current loaded, stones []layout.Tombstone) (picture, error) {
	doomed := map[string]bool{}
	for _, stone := range stones {
		doomed[stone.Version] = true
	}
	return r.commit(ctx, current, func(current tuf.State) (map[string]tuf.ChannelEdit, error) {
		edits := map[string]tuf.ChannelEdit{}
		for _, name := range current.Channels() {
			channel, there, err := current.Channel(name)
			if err != nil {
				return nil, err
			}
			targets := current.Targets(name)
			all := len(targets)
			maps.DeleteFunc(targets, func(file string, _ layout.Reference) bool { return doomed[versionOf(file)] })
			if there && len(targets) < all {
				channel.Sequence++
				edits[name] = tuf.ChannelEdit{State: channel, Targets: targets}
			}
		}
		return edits, nil
	})
}
