package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

const timestampPath = layout.MetadataDir + "/timestamp.json"

// timestamp takes the newest timestamp. The one on disk shows whether it is
// older than before.
func (s *session) timestamp(ctx context.Context) error {
	s.fromDisk(metadata.TIMESTAMP, func(content []byte) error {
		_, err := s.trusted.UpdateTimestamp(content)
		return err
	})
	content, err := s.fetch(ctx, timestampPath, timestampLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{Kind: "repository", URL: s.client.origin.URL("")}
	}
	if err != nil {
		return fmt.Errorf("asking what is current: %w", err)
	}
	err = guard.Call(func() error {
		_, err := s.trusted.UpdateTimestamp(content)
		return err
	})
	if errors.As(err, new(*metadata.ErrEqualVersionNumber)) {
		return s.current(content)
	}
	if err != nil {
		return s.translate(metadata.TIMESTAMP, timestampPath, content, err)
	}
	version := s.trusted.Timestamp.Signed.Version
	if err := s.notBefore(metadata.TIMESTAMP, timestampPath, version); err != nil {
		return err
	}
	s.seen.Versions[metadata.TIMESTAMP] = version
	return s.client.keep(roleFile(metadata.TIMESTAMP), content)
}

// current returns an error if the timestamp on disk, which the repository still
// has, may not be used any more.
func (s *session) current(content []byte) error {
	timestamp := s.trusted.Timestamp.Signed
	if timestamp.IsExpired(s.trusted.RefTime) {
		return s.translate(metadata.TIMESTAMP, timestampPath, content, &metadata.ErrExpiredMetadata{})
	}
	return s.notBefore(metadata.TIMESTAMP, timestampPath, timestamp.Version)
}

// fromDisk gives the library what is on disk. What it does not like of it is
// fetched again; what is not metadata at all is put aside.
func (s *session) fromDisk(role string, update func([]byte) error) bool {
	content := s.client.read(roleFile(role))
	if content == nil {
		return false
	}
	err := guard.Call(func() error { return update(content) })
	if err == nil {
		return true
	}
	if !json.Valid(content) || !errors.Is(err, &metadata.ErrRepository{}) {
		s.quarantine(roleFile(role))
	}
	return false
}

// snapshot takes the snapshot that the timestamp names.
func (s *session) snapshot(ctx context.Context) error {
	meta := s.trusted.Timestamp.Signed.Meta["snapshot.json"]
	if meta == nil {
		return &UntrustedError{URL: s.client.origin.URL(timestampPath), Err: errors.New("it names no snapshot")}
	}
	onDisk := s.fromDisk(metadata.SNAPSHOT, func(content []byte) error {
		_, err := s.trusted.UpdateSnapshot(content, true)
		return err
	})
	if !onDisk {
		if err := s.fetchSnapshot(ctx, meta); err != nil {
			return err
		}
	}
	s.seen.Versions[metadata.SNAPSHOT] = meta.Version
	s.note(s.trusted.Snapshot.Signed.Meta)
	return nil
}

func (s *session) fetchSnapshot(ctx context.Context, meta *metadata.MetaFiles) error {
	path := layout.Metadata(fmt.Sprintf("%d.snapshot.json", meta.Version))
	content, err := s.fetch(ctx, path, limit(meta, snapshotLimit))
	if err != nil {
		return fmt.Errorf("reading the newest snapshot: %w", err)
	}
	err = guard.Call(func() error {
		_, err := s.trusted.UpdateSnapshot(content, false)
		return err
	})
	if err != nil {
		return s.refused(path, content, err)
	}
	if err := s.rolesNotBefore(path, s.trusted.Snapshot.Signed.Meta); err != nil {
		return err
	}
	return s.client.keep(roleFile(metadata.SNAPSHOT), content)
}

// refused tells why a snapshot was refused; that it is an older one says more
// than what the library says of it.
func (s *session) refused(path string, content []byte, err error) error {
	older := guard.Call(func() error {
		md, err := metadata.Snapshot().FromBytes(content)
		if err != nil {
			return err
		}
		return s.rolesNotBefore(path, md.Signed.Meta)
	})
	if errors.As(older, new(*RollbackError)) && !errors.As(err, new(*metadata.ErrUnsignedMetadata)) {
		return older
	}
	return s.translate(metadata.SNAPSHOT, path, content, err)
}

func (s *session) targets(ctx context.Context) error {
	return s.role(ctx, metadata.TARGETS, metadata.ROOT)
}

// role takes the version of a role that the snapshot names, as its delegator
// wants it signed.
func (s *session) role(ctx context.Context, name, delegator string) error {
	meta := s.trusted.Snapshot.Signed.Meta[name+".json"]
	if meta == nil {
		return &EmptyError{Channel: name}
	}
	update := func(content []byte) error {
		_, err := s.trusted.UpdateDelegatedTargets(content, name, delegator)
		return err
	}
	if s.fromDisk(name, update) {
		return nil
	}
	path := layout.Metadata(fmt.Sprintf("%d.%s.json", meta.Version, name))
	content, err := s.fetch(ctx, path, limit(meta, targetsLimit))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if err := guard.Call(func() error { return update(content) }); err != nil {
		return s.translate(name, path, content, err)
	}
	return s.client.keep(roleFile(name), content)
}

// limit returns how much of a file is read at most: if its length is known,
// that.
func limit(meta *metadata.MetaFiles, most int64) int64 {
	if meta.Length > 0 && meta.Length < most {
		return meta.Length
	}
	return most
}

// expired returns what has expired: the role, or what it hangs from.
func (s *session) expired(role string, content []byte) (string, time.Time) {
	if s.trusted.Root.Signed.IsExpired(s.trusted.RefTime) {
		return metadata.ROOT, s.trusted.Root.Signed.Expires
	}
	if t := s.trusted.Timestamp; t != nil && t.Signed.IsExpired(s.trusted.RefTime) {
		return metadata.TIMESTAMP, t.Signed.Expires
	}
	if n := s.trusted.Snapshot; n != nil && n.Signed.IsExpired(s.trusted.RefTime) {
		return metadata.SNAPSHOT, n.Signed.Expires
	}
	var file struct {
		Signed struct {
			Expires time.Time `json:"expires"`
		} `json:"signed"`
	}
	_ = json.Unmarshal(content, &file) // the library has read it
	return role, file.Signed.Expires
}
