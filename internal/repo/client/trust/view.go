package trust

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// View is what a repository holds. What a channel holds is read when it is
// asked for. Its methods may be called concurrently.
type View struct {
	mutex   sync.Mutex
	session *session
}

// Root is the root that everything was believed by.
type Root struct {
	Version int64     // the newest
	Anchor  int64     // the one that trust began with
	SHA256  string    // of the anchor; for people to compare
	Pinned  time.Time // when trust began
	// PinnedNow tells that it was just now: the user has to know.
	PinnedNow bool
}

// Root returns by which root everything was believed.
func (v *View) Root() Root {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return Root{
		Version:   v.session.trusted.Root.Signed.Version,
		Anchor:    v.session.seen.Anchor.Version,
		SHA256:    v.session.seen.Anchor.SHA256,
		Pinned:    v.session.seen.Pinned,
		PinnedNow: v.session.first,
	}
}

// Expires returns until when the view may be taken for current.
func (v *View) Expires() time.Time {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.session.trusted.Timestamp.Signed.Expires
}

// Version returns the version of the repository's state; it rises with every
// publication.
func (v *View) Version() int64 {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.session.trusted.Timestamp.Signed.Version
}

// Damaged returns the files on disk that could not be read and were put aside.
// They were replaced by what the repository has.
func (v *View) Damaged() []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return slices.Clone(v.session.damaged)
}

// Channels returns the names of the channels, the most trusted one first.
func (v *View) Channels() []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.session.channels()
}

// Channel returns the state of a channel. With a [*RevokedError] it returns
// the state, too.
func (v *View) Channel(ctx context.Context, name string) (layout.Channel, error) {
	return ask(ctx, v, func(s *session) (layout.Channel, error) { return s.channel(ctx, name) })
}

// Files returns the files that a channel's key has signed, by their path in
// the repository.
func (v *View) Files(ctx context.Context, channel string) (map[string]layout.Reference, error) {
	return ask(ctx, v, func(s *session) (map[string]layout.Reference, error) { return s.files(ctx, channel) })
}

// File returns the length and the digest of the file at a path of the
// repository, as a channel's key has signed them. It asks no other channel, so
// it does not matter whether those are current.
func (v *View) File(ctx context.Context, channel, path string) (layout.Reference, error) {
	return ask(ctx, v, func(s *session) (layout.Reference, error) { return s.file(ctx, channel, path) })
}

// Target returns what is signed of the file at a path of the repository, by the
// first role that names it. If one before has expired it fails, as every client
// does; see [View.File]. It is for any TUF repository, and any kinds of digest:
// what was downloaded is good if VerifyLengthHashes of the result says so.
func (v *View) Target(ctx context.Context, path string) (*metadata.TargetFiles, error) {
	return ask(ctx, v, func(s *session) (*metadata.TargetFiles, error) { return s.search(ctx, path) })
}

// ask reads more of the repository. If that was replaced since the view was
// made, the view becomes the newer one.
func ask[T any](ctx context.Context, v *View, question func(*session) (T, error)) (T, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	var none T
	unlock, err := v.session.client.lock(ctx)
	if err != nil {
		return none, err
	}
	defer unlock()
	answer, err := question(v.session)
	err = either(err, v.session.remember())
	if err == nil || !raced(err) || ctx.Err() != nil {
		return answer, err
	}
	newer, again := v.session.client.refresh(ctx)
	if again != nil {
		return none, again
	}
	newer.session.damaged = append(v.session.damaged, newer.session.damaged...)
	newer.session.first = v.session.first
	v.session = newer.session
	answer, err = question(v.session)
	return answer, either(err, v.session.remember())
}

func (s *session) channels() []string {
	var names []string
	delegations := s.trusted.Targets[metadata.TARGETS].Signed.Delegations
	if delegations == nil {
		return nil
	}
	for _, role := range delegations.Roles {
		if layout.CheckChannel(role.Name) == nil {
			names = append(names, role.Name)
		}
	}
	return names
}

func (s *session) channel(ctx context.Context, name string) (layout.Channel, error) {
	var none layout.Channel
	role, err := s.channelRole(ctx, name)
	if err != nil {
		return none, err
	}
	pointer := role.Signed.Targets[layout.Pointer(name)]
	if pointer == nil || pointer.Custom == nil {
		return none, &EmptyError{Channel: name}
	}
	channel, err := layout.DecodeChannel(name, *pointer.Custom)
	if err != nil {
		return none, &UntrustedError{URL: s.client.origin.URL(layout.Pointer(name)), Err: err}
	}
	if seen := s.seen.Sequences[name]; channel.Sequence < seen {
		return none, &RollbackError{What: "channel " + name, URL: s.client.origin.URL(layout.Pointer(name)), Seen: seen, Got: channel.Sequence}
	}
	s.seen.Sequences[name] = channel.Sequence
	if reason, revoked := channel.Revoked[channel.Version]; revoked {
		return channel, &RevokedError{Channel: name, Version: channel.Version, Reason: reason}
	}
	return channel, nil
}

// channelRole returns the role of a channel, and only what it may sign.
func (s *session) channelRole(ctx context.Context, name string) (*metadata.Metadata[metadata.TargetsType], error) {
	if !slices.Contains(s.channels(), name) {
		return nil, &NotFoundError{Kind: "channel", Name: name, Known: s.channels(), URL: s.client.origin.URL("")}
	}
	if err := s.load(ctx, name, metadata.TARGETS); err != nil {
		return nil, err
	}
	role := s.trusted.Targets[name]
	delegated := s.delegated(name)
	for path, target := range role.Signed.Targets {
		if ok, err := delegated.IsDelegatedPath(path); !ok || err != nil || !fs.ValidPath(path) || target == nil {
			return nil, &UntrustedError{URL: s.client.origin.URL(path), Err: fmt.Errorf("it is not for channel %s to sign", name)}
		}
	}
	return role, nil
}

func (s *session) delegated(name string) *metadata.DelegatedRole {
	roles := s.trusted.Targets[metadata.TARGETS].Signed.Delegations.Roles
	i := slices.IndexFunc(roles, func(r metadata.DelegatedRole) bool { return r.Name == name })
	return &roles[i]
}

func (s *session) files(ctx context.Context, channel string) (map[string]layout.Reference, error) {
	role, err := s.channelRole(ctx, channel)
	if err != nil {
		return nil, err
	}
	files := map[string]layout.Reference{}
	for path, target := range role.Signed.Targets {
		if path == layout.Pointer(channel) {
			continue
		}
		if files[path], err = s.reference(path, target); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s *session) file(ctx context.Context, channel, path string) (layout.Reference, error) {
	files, err := s.files(ctx, channel)
	if err != nil {
		return layout.Reference{}, err
	}
	file, ok := files[path]
	if !ok {
		return file, &NotFoundError{Kind: "file", Name: path, URL: s.client.origin.URL(path)}
	}
	return file, nil
}

func (s *session) reference(path string, target *metadata.TargetFiles) (layout.Reference, error) {
	file := layout.Reference{Size: target.Length, SHA256: hex.EncodeToString(target.Hashes["sha256"])}
	if file.Size < 0 || !manifest.IsDigest(file.SHA256) {
		return file, &UntrustedError{URL: s.client.origin.URL(path), Err: errors.New("no SHA-256 digest of it was signed")}
	}
	return file, nil
}
