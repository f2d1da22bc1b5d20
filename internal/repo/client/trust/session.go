package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

// session is one walk over a repository's metadata. Its holder has the lock.
type session struct {
	client   *Client
	trusted  *trustedmetadata.TrustedMetadata
	seen     seen
	recalled []byte // how seen is on disk
	first    bool   // nobody was told yet by which root all is believed
	damaged  []string
}

// refresh walks from the root to the targets.
func (c *Client) refresh(ctx context.Context) (*View, error) {
	s := &session{client: c}
	s.readSeen()
	s.first = !s.seen.Looked
	err := s.walk(ctx)
	s.seen.Looked = s.seen.Looked || err == nil
	if s.seen.Root > 0 {
		err = either(err, s.remember())
	}
	if err != nil {
		return nil, err
	}
	return &View{session: s}, nil
}

// either returns the first error that there is.
func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (s *session) walk(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.start, s.roots, s.timestamp, s.snapshot, s.targets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start takes the root that trust begins with.
func (s *session) start(ctx context.Context) error {
	content, err := s.anchor(ctx)
	if err != nil {
		return err
	}
	err = guard.Call(func() (err error) {
		s.trusted, err = trustedmetadata.New(content)
		return err
	})
	if err != nil {
		return &UntrustedError{URL: s.anchorURL(), Err: err}
	}
	s.trusted.RefTime = s.client.now()
	version := s.trusted.Root.Signed.Version
	if remembered := s.client.read(rootFile(version)); s.client.pin != nil && remembered != nil && !bytes.Equal(remembered, content) {
		return &PinError{URL: s.client.origin.URL(""), Version: version, Dir: s.client.dir}
	}
	if s.seen.Pinned.IsZero() {
		s.seen.Pinned = s.trusted.RefTime.Truncate(time.Second)
		s.seen.Anchor = anchor{Version: version, SHA256: digest(content)}
	}
	return s.keepRoot(version, content)
}

// anchor returns the root that is given, remembered, or the repository's own.
func (s *session) anchor(ctx context.Context) ([]byte, error) {
	if s.client.pin != nil {
		return s.client.pin, nil
	}
	for _, version := range s.client.rootVersions() {
		content := s.client.read(rootFile(version))
		err := guard.Call(func() error {
			_, err := trustedmetadata.New(content)
			return err
		})
		if err == nil {
			return content, nil
		}
		s.quarantine(rootFile(version))
	}
	return s.fetchAnchor(ctx)
}

func (s *session) anchorURL() string {
	if s.client.pin != nil {
		return "the root that was given"
	}
	return s.client.origin.URL(layout.Metadata("1.root.json"))
}

// fetchAnchor reads the first root from the repository; or the same root as
// before if that was lost here.
func (s *session) fetchAnchor(ctx context.Context) ([]byte, error) {
	version := max(s.seen.Anchor.Version, 1)
	path := layout.Metadata(fmt.Sprintf("%d.root.json", version))
	content, err := s.fetch(ctx, path, rootLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{Kind: "repository", URL: s.client.origin.URL("")}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the repository's first root: %w", err)
	}
	if known := s.seen.Anchor.SHA256; known != "" && known != digest(content) {
		return nil, &PinError{URL: s.client.origin.URL(""), Version: version, Pinned: s.seen.Pinned, Dir: s.client.dir}
	}
	return content, nil
}

// roots follows the roots to the newest, first those on disk, then those of
// the repository.
func (s *session) roots(ctx context.Context) error {
	for range rootSteps {
		version := s.trusted.Root.Signed.Version + 1
		if s.remembered(version) {
			continue
		}
		path := layout.Metadata(fmt.Sprintf("%d.root.json", version))
		content, err := s.fetch(ctx, path, rootLimit)
		if absent(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("asking for a newer root: %w", err)
		}
		if err := s.updateRoot(content); err != nil {
			return s.translate(metadata.ROOT, path, content, err)
		}
		if err := s.keepRoot(version, content); err != nil {
			return err
		}
	}
	return s.finalRoot()
}

// finalRoot returns an error if the newest root is not as new as it was.
func (s *session) finalRoot() error {
	version := s.trusted.Root.Signed.Version
	if version < s.seen.Root {
		return &RollbackError{What: metadata.ROOT, URL: s.client.origin.URL(""), Seen: s.seen.Root, Got: version}
	}
	keys, err := onlineKeys(s.trusted.Root)
	if err != nil {
		return &UntrustedError{URL: s.client.origin.URL(layout.Metadata(fmt.Sprintf("%d.root.json", version))), Err: err}
	}
	s.seen.Root = version
	s.newKeys(keys)
	return nil
}

// absent tells whether a server has no such file. Object stores that do not
// let people list say "forbidden" then.
func absent(err error) bool {
	var status *origin.StatusError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &status) && status.Code == http.StatusForbidden
}

// fetch reads a file of the repository. One that is too long is none of those
// that were signed.
func (s *session) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	content, err := s.client.origin.Fetch(ctx, path, limit)
	if errors.As(err, new(*origin.SizeError)) {
		return nil, &UntrustedError{URL: s.client.origin.URL(path), Err: err}
	}
	return content, err
}

// remembered follows a root on disk.
func (s *session) remembered(version int64) bool {
	content := s.client.read(rootFile(version))
	if content == nil {
		return false
	}
	if err := s.updateRoot(content); err != nil {
		s.quarantine(rootFile(version))
		return false
	}
	return true
}

func (s *session) updateRoot(content []byte) error {
	return guard.Call(func() error {
		_, err := s.trusted.UpdateRoot(content)
		return err
	})
}

func (s *session) keepRoot(version int64, content []byte) error {
	if bytes.Equal(s.client.read(rootFile(version)), content) {
		return nil
	}
	return s.client.keep(rootFile(version), content)
}
