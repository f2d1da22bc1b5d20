package repository

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// picture is a repository as its pages show it.
type picture struct {
	tuf.State
	notes notes
}

// loaded is a repository as it was read, and what a new state must replace.
type loaded struct {
	picture
	tag store.Tag // of the timestamp
}

// load reads all that a publisher goes by. It does so once; what others publish
// later is noticed when the timestamp is written.
func (r *Repository) load(ctx context.Context) (loaded, error) {
	state, tag, err := r.loadState(ctx)
	if err != nil {
		return loaded{}, err
	}
	notes, err := r.readNotes(ctx)
	return loaded{picture: picture{State: state, notes: notes}, tag: tag}, err
}

// loadState reads and verifies what is signed. tag is that of the timestamp.
func (r *Repository) loadState(ctx context.Context) (state tuf.State, tag store.Tag, err error) {
	timestamp, tag, unread := r.store.ReadTagged(ctx, tuf.Timestamp)
	state, err = tuf.Load(ctx, r.ring, func(ctx context.Context, path string, limit int64) ([]byte, error) {
		content, err := timestamp, unread
		if path != tuf.Timestamp {
			content, err = r.store.Read(ctx, path)
		}
		if err == nil && int64(len(content)) > limit {
			return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
		}
		return content, err
	})
	if err != nil {
		return state, tag, err
	}
	if !state.Empty() && r.ring != nil {
		// The next rotation of keys begins here. A ring that can't be written
		// has no keys to rotate.
		_ = r.ring.Learn(state)
	}
	if state.Empty() && r.Existing {
		return state, tag, &MissingError{Location: r.Location()}
	}
	if state.Empty() {
		return state, tag, r.checkEmpty(ctx)
	}
	return state, tag, nil
}
