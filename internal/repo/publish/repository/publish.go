package repository

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
)

// Published says what a publication did.
type Published struct {
	Channel   string    `json:"channel"`
	Previous  string    `json:"previous,omitempty"` // where the channel was
	Version   string    `json:"version"`
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"`
	Reused    int64     `json:"reused"` // of Bytes, those that were there already
	Unchanged bool      `json:"unchanged"`
	DryRun    bool      `json:"dry_run,omitempty"`
	Snapshot  int64     `json:"snapshot,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
	// Changes sums up what is new since Previous, if that is known.
	Changes string `json:"changes,omitempty"`
}

// Publish makes images a version and moves a channel to it.
func (r *Repository) Publish(ctx context.Context, release Release) (Published, error) {
	if err := layout.CheckChannel(release.Channel); err != nil {
		return Published{}, err
	}
	if err := checkReason(release.Reason); err != nil {
		return Published{}, err
	}
	images, err := readImages(release.Directories)
	if err != nil {
		return Published{}, err
	}
	phase := event.Start(r.Sink, "check", "")
	err = checkImages(ctx, images, phase)
	if err = phase.End(event.OK, "all files are what their manifests say", err); err != nil {
		return Published{}, err
	}
	var done Published
	err = r.locked(ctx, "publish", release.DryRun, func(ctx context.Context) error {
		done, err = r.publish(ctx, release, images)
		return err
	})
	return done, err
}

func (r *Repository) publish(ctx context.Context, release Release, images []image) (Published, error) {
	done := Published{Channel: release.Channel, DryRun: release.DryRun}
	current, err := r.load(ctx)
	if err != nil {
		return done, err
	}
	if err := r.checkKeys(current.State, release.Channel); err != nil {
		return done, err
	}
	known, err := r.versions(ctx, current.State)
	if err != nil {
		return done, err
	}
	to, err := r.choose(ctx, current.State, known, images, release.Version)
	if err != nil {
		return done, err
	}
	channel, _, err := current.Channel(release.Channel)
	if err != nil {
		return done, err
	}
	done.Previous, done.Version, done.Unchanged = channel.Version, to.version, channel.Version == to.version
	switch {
	case release.DryRun:
		done.measure(images)
		return done, nil
	case done.Unchanged: // but whoever published may have died before the pages
		done.measure(images)
		return done, r.writePages(ctx, current.State)
	}
	if err := r.probeStore(ctx); err != nil {
		return done, err
	}
	r.warnOfPages(ctx)
	files := filesOf(current.State, to.version)
	if !to.signed {
		if files, err = r.add(ctx, current.State, known, to.version, images, &done); err != nil {
			return done, err
		}
	}
	return r.point(ctx, release, files, done)
}

// measure counts what the images alone would move.
func (p *Published) measure(images []image) {
	for _, one := range images {
		for _, file := range one.facts.Files {
			p.Files++
			p.Bytes += file.Size
			if p.Unchanged {
				p.Reused += file.Size
			}
		}
	}
}

// warnOfPages warns if the public address answers with something where there is
// nothing: readers look for the next root until they are told that there is none.
func (r *Repository) warnOfPages(ctx context.Context) {
	if r.public == nil {
		return
	}
	_, err := r.public.Fetch(ctx, "metadata/absent-"+rand.Text()+".json", 1<<20)
	if err == nil || errors.As(err, new(*origin.PageError)) {
		text := address.Shown(r.PublicURL) + " answers 200 for files that are not there, so readers can't use it: let it answer 404"
		r.Sink.Emit(event.Event{Type: event.Warning, Text: text})
	}
}

// checkKeys finds out whether the keys are there, before hours of work are done.
func (r *Repository) checkKeys(current tuf.State, channel string) error {
	_, next, err := current.Next(r.ring, r.policy, r.Now(), nil)
	if err != nil {
		return err
	}
	if known := next.Channels(); !slices.Contains(known, channel) {
		return &tuf.UnknownChannelError{Channel: channel, Known: known}
	}
	if !r.ring.Has(channel) {
		return &tuf.MissingKeyError{Role: channel, File: filepath.Join(r.ring.Dir(), channel+".key"), Need: 1}
	}
	return r.ring.CheckMinisign()
}

// capabilities is what is known of a store.
type capabilities struct {
	Apart bool `json:"apart"` // it keeps publishers apart
}

// probeStore finds out whether the store keeps publishers apart, once.
func (r *Repository) probeStore(ctx context.Context) error {
	var known *capabilities
	if err := r.readState(ctx, capabilitiesFile, &known); err != nil {
		return err
	}
	if r.SinglePublisher || known != nil && known.Apart {
		return nil
	}
	phase := event.Start(r.Sink, "probe", "does the store keep publishers apart?")
	err := r.store.Probe(ctx)
	if err == nil {
		err = r.writeState(ctx, capabilitiesFile, capabilities{Apart: true})
	}
	return phase.End(event.OK, "the store keeps publishers apart", err)
}

// add uploads a new version. It returns its files as they are to be signed.
func (r *Repository) add(ctx context.Context, state tuf.State, known []layout.VersionManifest, version string, images []image, done *Published) (map[string]layout.Reference, error) {
	err := r.writeState(ctx, uploadFile, upload{Version: version, Fingerprint: fingerprint(images), Started: r.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil, err
	}
	temporary, err := scratch.New(r.Scratch, "publish")
	if err != nil {
		return nil, err
	}
	defer temporary.Close()
	v, files, err := r.stage(ctx, version, images, temporary)
	if err != nil {
		return nil, err
	}
	v.Previous = done.Previous
	if err := r.measureUpdates(ctx, state, known, &v, files, temporary); err != nil {
		return nil, err
	}
	news, err := r.news(ctx, state, known, v, files, done)
	if err != nil {
		return nil, err
	}
	if _, files, err = r.describe(v, append(files, news...)); err != nil {
		return nil, err
	}
	sum, err := r.upload(ctx, version, files)
	done.Files, done.Bytes, done.Reused = sum.files, sum.bytes, sum.reused
	signed := map[string]layout.Reference{}
	for _, file := range files {
		signed[layout.Version(version, file.Name)] = layout.Reference{Size: file.Size, SHA256: file.SHA256}
	}
	return signed, err
}

// news returns changes.json, if the channel was somewhere before.
func (r *Repository) news(ctx context.Context, state tuf.State, known []layout.VersionManifest, v layout.VersionManifest, files []staged, done *Published) ([]staged, error) {
	for _, before := range known {
		if before.Version != v.Previous {
			continue
		}
		diff, err := r.compare(ctx, state, before, v, files)
		if err != nil {
			return nil, fmt.Errorf("comparing %s with %s: %w", before.Version, v.Version, err)
		}
		done.Changes = diff.Packages.Summary()
		content, err := diff.Encode()
		return []staged{stagedContent(changes.FileName, layout.Changes, content)}, err
	}
	return nil, nil
}

func (r *Repository) compare(ctx context.Context, state tuf.State, before, v layout.VersionManifest, files []staged) (changes.Changes, error) {
	old, err := changes.OfVersion(before, r.readerOf(ctx, state, before.Version), nil)
	if err != nil {
		return changes.Changes{}, err
	}
	for _, file := range files {
		v.Files = append(v.Files, file.File)
	}
	fresh, err := changes.OfVersion(v, func(name string) ([]byte, error) { return readStaged(files, name) }, nil)
	if err != nil {
		return changes.Changes{}, err
	}
	return changes.Compare(old, fresh), nil
}

// readerOf returns how the signed files of a version are read.
func (r *Repository) readerOf(ctx context.Context, state tuf.State, version string) changes.Read {
	files := filesOf(state, version)
	return func(name string) ([]byte, error) {
		file := layout.Version(version, name)
		return r.readPinned(ctx, file, files[file])
	}
}

// point moves the channel to a version that is there and verified.
func (r *Repository) point(ctx context.Context, release Release, files map[string]layout.Reference, done Published) (Published, error) {
	move := layout.Move{Action: layout.Published, Version: done.Version, By: r.By, Reason: release.Reason, At: r.Now()}
	next, err := r.move(ctx, release.Channel, move, files, "")
	if err != nil {
		return done, err
	}
	done.Snapshot, done.Expires = next.Version(), next.Expires()
	return done, errors.Join(r.store.Remove(ctx, uploadFile), r.writePages(ctx, next))
}

// move moves a channel. files are those of the version, which the channel's key
// signs besides those that it has signed already; bad is a version that is
// revoked, or "".
func (r *Repository) move(ctx context.Context, channel string, move layout.Move, files map[string]layout.Reference, bad string) (tuf.State, error) {
	err := r.store.Place(ctx, layout.Pointer(channel), []byte(layout.PointerBody))
	if err != nil {
		return tuf.State{}, err
	}
	move.Manifest = files[layout.Version(move.Version, layout.ManifestFile)]
	return r.commit(ctx, func(current tuf.State) (map[string]tuf.ChannelEdit, error) {
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
