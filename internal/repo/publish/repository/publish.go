package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
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
	if err := release.check(); err != nil {
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
	return locked(ctx, r, "publish", release.DryRun, func(ctx context.Context) (Published, error) {
		return r.publish(ctx, release, images)
	})
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
	known, err := r.read(ctx, current.State, library{})
	if err != nil {
		return done, err
	}
	to, err := r.choose(ctx, current.picture, known, images, release.Version)
	if err != nil {
		return done, err
	}
	channel, _, err := current.Channel(release.Channel)
	if err != nil {
		return done, err
	}
	done.Previous, done.Version, done.Unchanged = channel.Version, to.version, channel.Version == to.version
	r.warnOfVariants(known, channel, images)
	if err := release.MaxLoss.check(known, channel, images); err != nil {
		return done, err
	}
	switch {
	case release.DryRun:
		return done.counting(measure(images, done.Unchanged)), nil
	case done.Unchanged: // but whoever published may have died before the pages
		return done.counting(measure(images, done.Unchanged)), r.writePages(ctx, current.picture, known)
	}
	if err := r.probeStore(ctx); err != nil {
		return done, err
	}
	r.warnOfPages(ctx)
	fresh := addition{files: filesOf(current.State, known.version(to.version))}
	if !to.signed {
		if fresh, err = r.add(ctx, current.picture, known, to.version, channel.Version, images); err != nil {
			return done, err
		}
		known = known.with(fresh)
	}
	done = done.counting(fresh.sum)
	done.Changes = fresh.summary()
	return r.point(ctx, release, current, known, fresh.files, done)
}

// warnOfVariants warns if the version before has images that this one lacks: who has
// one of these can't update it.
func (r *Repository) warnOfVariants(known library, before layout.Channel, images []image) {
	for _, v := range known.versions() {
		if v.Version != before.Version {
			continue
		}
		for _, old := range v.Images {
			if !slices.ContainsFunc(images, func(one image) bool { return one.variant() == old.Variant }) {
				text := fmt.Sprintf("%s has a %s image, and the new version has none: whoever uses it finds no update in %s", v.Version, old.Variant, before.Channel)
				r.Sink.Emit(event.Event{Type: event.Warning, Text: text})
			}
		}
	}
}

// measure counts what the images alone would move, or would not if they are
// there.
func measure(images []image, there bool) uploaded {
	var sum uploaded
	for _, one := range images {
		for _, file := range one.facts.Files {
			sum.files++
			sum.bytes += file.Size
		}
	}
	if there {
		sum.reused = sum.bytes
	}
	return sum
}

func (p Published) counting(sum uploaded) Published {
	p.Files, p.Bytes, p.Reused = sum.files, sum.bytes, sum.reused
	return p
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
	if err := current.Check(r.ring, r.policy, r.Now(), channel); err != nil {
		return err
	}
	return r.ring.CheckMinisign()
}

// probeStore finds out whether the store keeps publishers apart, once.
func (r *Repository) probeStore(ctx context.Context) error {
	known, err := readNote[capabilities](ctx, r.store, capabilitiesFile)
	if err != nil {
		return err
	}
	if r.SinglePublisher || known.value.Apart {
		return nil
	}
	phase := event.Start(r.Sink, "probe", "checking that the store locks out other publishers")
	err = r.store.Probe(ctx)
	if err == nil {
		_, err = writeNote(ctx, r.store, capabilitiesFile, known, capabilities{Apart: true})
	}
	return phase.End(event.OK, "the store locks out other publishers", err)
}

// point moves the channel to a version that is there and verified.
func (r *Repository) point(ctx context.Context, release Release, current loaded, known library, files map[string]layout.Reference, done Published) (Published, error) {
	move := layout.Move{Action: layout.Published, Version: done.Version, By: r.By, Reason: release.Reason, At: r.Now()}
	next, err := r.move(ctx, current, release.Channel, move, files, "")
	if err != nil {
		return done, err
	}
	done.Snapshot, done.Expires = next.Version(), next.Expires()
	return done, errors.Join(r.store.Remove(ctx, uploadFile), r.writePages(ctx, next, known))
}
