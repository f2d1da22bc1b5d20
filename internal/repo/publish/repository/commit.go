package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// attempts is how often a publisher starts over because another was faster, or
// passes over a name that a dead one left behind.
const attempts = 32

// edit makes the changes to a state. It is called again when another publisher
// was faster.
type edit func(current tuf.State) (map[string]tuf.ChannelEdit, error)

// commit moves the repository from the state that was read to its next one.
// Somebody may have published since then; that shows when the timestamp is
// written, or in the rehearsal, and only then is the state read again.
func (r *Repository) commit(ctx context.Context, current loaded, change edit) (picture, error) {
	for attempt := range attempts {
		edits, err := change(current.State)
		if err != nil {
			return picture{}, err
		}
		next, err := r.step(ctx, current, edits)
		refused := errors.Is(err, errRefused) && attempt == 0
		if !refused && !errors.Is(err, store.ErrChanged) && !errors.Is(err, fs.ErrExist) {
			return picture{State: next, notes: current.notes}, err
		}
		if current, err = r.load(ctx); err != nil {
			return picture{}, err
		}
	}
	return picture{}, fmt.Errorf("%w: other publishers were faster %d times", store.ErrChanged, attempts)
}

// step writes the files of the next state, the timestamp after all that it
// leads to and after a reader's look at the whole.
func (r *Repository) step(ctx context.Context, current loaded, edits map[string]tuf.ChannelEdit) (tuf.State, error) {
	phase := event.Start(r.Sink, "sign", "")
	next, err := r.sign(ctx, current, edits)
	if err != nil {
		return next, phase.End("", "", err)
	}
	return next, phase.End(event.OK, fmt.Sprintf("snapshot %d, timestamp until %s", next.Version(), next.Expires().UTC().Format(time.DateOnly)), nil)
}

func (r *Repository) sign(ctx context.Context, current loaded, edits map[string]tuf.ChannelEdit) (tuf.State, error) {
	files, next, err := r.prepare(ctx, current.State, edits)
	if err != nil {
		return next, err
	}
	files = files[slices.IndexFunc(files, isTimestamp):]
	if err := r.rehearse(ctx, files[0].Content, next); err != nil {
		return next, err
	}
	if err := r.store.Swap(ctx, files[0].Path, current.tag, files[0].Content); err != nil {
		return next, err
	}
	for _, root := range files[1:] { // it takes nothing from readers who have an older one
		if err := r.store.Place(ctx, root.Path, root.Content); err != nil {
			return next, err
		}
	}
	return next, nil
}

func isTimestamp(file tuf.File) bool { return file.Path == tuf.Timestamp }

// prepare writes the files that come before the timestamp. Names that a dead
// publisher left behind are given up.
func (r *Repository) prepare(ctx context.Context, current tuf.State, edits map[string]tuf.ChannelEdit) ([]tuf.File, tuf.State, error) {
	for range attempts {
		files, next, err := current.Next(r.ring, r.policy, r.Now(), edits)
		if err != nil {
			return nil, next, err
		}
		taken, err := r.placeUntilTimestamp(ctx, files)
		if taken == "" || err != nil {
			return files, next, err
		}
		current = current.Taken(taken)
	}
	return nil, current, fmt.Errorf("%w: no free name for the metadata", store.ErrChanged)
}

// placeUntilTimestamp returns the path of a file that is there already with
// another content.
func (r *Repository) placeUntilTimestamp(ctx context.Context, files []tuf.File) (taken string, err error) {
	for _, file := range files {
		if isTimestamp(file) {
			break
		}
		err := r.store.Place(ctx, file.Path, file.Content)
		if errors.Is(err, fs.ErrExist) {
			return file.Path, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}
