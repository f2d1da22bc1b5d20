package sharedcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
)

// take unpacks the archive of an entry into dir while it comes. What is there
// after an error is worth nothing. Without an entry the error is errNone.
func (c *Cache) take(ctx context.Context, s *store.Store, e entry, dir string) (record, error) {
	found, err := c.look(ctx, s, e)
	if err != nil {
		return record{}, err
	}
	watched, w := c.watch(ctx, e, found.Size)
	defer w.stop()
	body, err := s.Open(watched, found.archive())
	if errors.Is(err, fs.ErrNotExist) {
		c.spoil(found.archive())
	}
	if err != nil {
		return record{}, because(watched, err)
	}
	coming := &verified{ctx: watched, from: io.LimitReader(body, found.Size+1), sum: sha256.New(), moved: w.moved}
	err = coming.unpack(dir, found)
	err = because(watched, errors.Join(err, body.Close()))
	if err != nil && coming.failed == nil && watched.Err() == nil {
		c.spoil(found.archive())
	}
	return found, err
}

// look reads the record of an entry.
func (c *Cache) look(ctx context.Context, s *store.Store, e entry) (record, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errSlow)
	defer cancel()
	content, err := s.Read(ctx, e.record())
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, errNone
	}
	if err != nil {
		return record{}, because(ctx, err)
	}
	return parse(content, e)
}

// verified is an archive that comes, and what it turns out to be.
type verified struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the archive comes
	from   io.Reader
	sum    hash.Hash
	size   int64
	moved  func(done int64)
	failed error // of the store, not of what it holds
}

func (v *verified) Read(p []byte) (int, error) {
	if v.ctx.Err() != nil {
		return 0, context.Cause(v.ctx)
	}
	n, err := v.from.Read(p)
	_, _ = v.sum.Write(p[:n])
	v.size += int64(n)
	v.moved(v.size)
	if err != nil && !errors.Is(err, io.EOF) {
		v.failed = err
	}
	return n, err
}

// unpack unpacks the archive, and returns an error unless it is the one wanted,
// to its last byte.
func (v *verified) unpack(dir string, want record) error {
	unpacked := unpack.Tar(v.ctx, v, dir)
	_, rest := io.Copy(io.Discard, v)
	switch {
	case v.failed != nil:
		return v.failed
	case v.ctx.Err() != nil:
		return context.Cause(v.ctx)
	case v.size < want.Size:
		return fmt.Errorf("its archive ends after %d of %d bytes", v.size, want.Size)
	case v.size > want.Size:
		return fmt.Errorf("its archive has more than %d bytes", want.Size)
	case hex.EncodeToString(v.sum.Sum(nil)) != want.SHA256:
		return errors.New("its archive does not have the SHA-256 that its record says")
	}
	return errors.Join(unpacked, rest)
}
