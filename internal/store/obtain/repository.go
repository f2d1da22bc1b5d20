// Package obtain is the reader's side of an image repository as a whole: it
// finds out what there is, believes what is signed, and brings images into the
// store.
package obtain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Repository is a repository whose signed state was just read.
type Repository struct {
	Location string
	View     *trust.View
	store    imagestore.Store
	from     origin.Origin
}

// Open reads the state of the repository at location. pin is the root to begin
// trust with, or nil.
func Open(ctx context.Context, store imagestore.Store, location string, patience origin.Patience, pin []byte) (*Repository, error) {
	from, err := origin.OpenWith(location, patience)
	if err != nil {
		return nil, err
	}
	view, err := trust.OpenAt(store.Trust(location), from, pin).Refresh(ctx)
	if err != nil {
		return nil, err
	}
	return &Repository{Location: location, View: view, store: store, from: from}, nil
}

// Choice is a version that somebody asked for.
type Choice struct {
	Channel string // through which it was found
	Version string
	Pin     layout.Reference // of its manifest
	Current bool             // the channel points at it now
	Since   time.Time        // when the channel came to it
	Revoked *trust.RevokedError
}

// Is tells whether an image of the store is of this version: another repository
// may have given its name to another one.
func (c Choice) Is(image imagestore.Image) bool { return image.Digest == c.Pin.SHA256 }

// NotFoundError says that there is neither a channel nor a version of a name.
type NotFoundError struct {
	Name     string
	Where    string
	Channels []string
	Versions []string // newest first
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s has no channel or version %q", e.Where, e.Name)
}

// Fault implements [fault.Reporter].
func (e *NotFoundError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.NotFound, Try: fault.Meant(e.Name, slices.Concat(e.Channels, e.Versions))}
}

// Resolve finds what a channel points at, or a version that a channel names. A
// version that was revoked is a [*trust.RevokedError].
func (r *Repository) Resolve(ctx context.Context, name string) (Choice, error) {
	channels := r.View.Channels()
	if slices.Contains(channels, name) {
		channel, err := r.View.Channel(ctx, name)
		if err != nil {
			return Choice{}, err
		}
		return choices(channel)[0], nil
	}
	all, _, err := r.choices(ctx)
	if err != nil {
		return Choice{}, err
	}
	missing := &NotFoundError{Name: name, Where: address.Shown(r.Location), Channels: channels}
	for _, choice := range all {
		switch {
		case choice.Version == name && choice.Revoked != nil:
			return choice, choice.Revoked
		case choice.Version == name:
			return choice, nil
		}
		missing.Versions = append(missing.Versions, choice.Version)
	}
	return Choice{}, missing
}

// revoked returns why readers are told not to use a version, or nil.
func revoked(states []layout.Channel, version string) *trust.RevokedError {
	for _, state := range states {
		if reason, ok := state.Revoked[version]; ok {
			return &trust.RevokedError{Channel: state.Channel, Version: version, Reason: reason}
		}
	}
	return nil
}

// Choices returns every version that channels name, each with the first that
// points at it now, or else the first that did, and the names of all channels
// with what they point at.
func (r *Repository) Choices(ctx context.Context) ([]Choice, map[string]string, error) {
	all, states, err := r.choices(ctx)
	current := map[string]string{}
	for _, state := range states {
		current[state.Channel] = state.Version
	}
	return all, current, err
}

func (r *Repository) choices(ctx context.Context) (all []Choice, states []layout.Channel, err error) {
	for _, name := range r.View.Channels() {
		channel, err := r.View.Channel(ctx, name)
		var empty *trust.EmptyError
		var gone *trust.RevokedError
		if errors.As(err, &empty) {
			continue
		}
		if err != nil && !errors.As(err, &gone) {
			return nil, nil, err
		}
		states = append(states, channel)
		for _, c := range choices(channel) {
			at := slices.IndexFunc(all, func(other Choice) bool { return other.Version == c.Version })
			switch {
			case at < 0:
				all = append(all, c)
			case c.Current && !all[at].Current:
				all[at] = c
			}
		}
	}
	for i, c := range all {
		all[i].Revoked = revoked(states, c.Version)
	}
	slices.SortStableFunc(all, func(a, b Choice) int { return b.Since.Compare(a.Since) })
	return all, states, nil
}

// choices returns what a channel names, what it points at first.
func choices(channel layout.Channel) []Choice {
	now := Choice{Channel: channel.Channel, Version: channel.Version, Pin: channel.Manifest, Current: true}
	all := []Choice{now}
	for _, move := range channel.History {
		at := slices.IndexFunc(all, func(c Choice) bool { return c.Version == move.Version })
		if at < 0 {
			all = append(all, Choice{Channel: channel.Channel, Version: move.Version, Pin: move.Manifest, Since: move.At})
		} else if all[at].Since.IsZero() {
			all[at].Since = move.At
		}
	}
	return all
}

// Manifest returns the manifest of a version, as it is signed. What was read
// once is not read again.
func (r *Repository) Manifest(ctx context.Context, c Choice) (layout.VersionManifest, []byte, error) {
	if content, err := regular.ReadFile(r.manifestPath(c.Pin), regular.Document); err == nil && manifest.Digest(content) == c.Pin.SHA256 {
		v, err := layout.DecodeVersion(content)
		return v, content, err
	}
	content, err := r.fetch(ctx, layout.Version(c.Version, layout.ManifestFile), c.Pin)
	if err != nil {
		return layout.VersionManifest{}, nil, err
	}
	v, err := layout.DecodeVersion(content)
	if err != nil {
		return v, nil, err
	}
	if v.Version != c.Version {
		return v, nil, fmt.Errorf("the manifest of version %s is that of version %s", c.Version, v.Version)
	}
	return v, content, r.saveManifest(c.Pin, content)
}

func (r *Repository) manifestPath(pin layout.Reference) string {
	return filepath.Join(r.store.Trust(r.Location), "manifests", pin.SHA256+".json")
}

// saveManifest writes a manifest for the next time. Its name is its digest, so that
// half of one is known as such.
func (r *Repository) saveManifest(pin layout.Reference, content []byte) error {
	path := r.manifestPath(pin)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keeping a manifest: %w", err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("keeping a manifest: %w", err)
	}
	return nil
}

// MismatchError says that a file is not the one that was signed.
type MismatchError struct {
	URL       string
	Got, Want layout.Reference
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s is not what was signed: %d bytes, sha256 %s; signed were %d bytes, sha256 %s",
		e.URL, e.Got.Size, e.Got.SHA256, e.Want.Size, e.Want.SHA256)
}

// Fault implements [fault.Reporter].
func (e *MismatchError) Fault() fault.Report {
	return fault.Report{
		What: "a file of the repository is not what was signed", Code: fault.Verify,
		Where: fmt.Sprintf("%s\nfound  %d bytes, sha256 %s\nsigned %d bytes, sha256 %s",
			e.URL, e.Got.Size, e.Got.SHA256, e.Want.Size, e.Want.SHA256),
		Try: fault.Retry(fault.NoProxy, fault.OtherServer),
	}
}

// fetch reads a small file whole and checks that it is the one that is meant.
func (r *Repository) fetch(ctx context.Context, path string, want layout.Reference) ([]byte, error) {
	content, err := r.from.Fetch(ctx, path, want.Size)
	if errors.Is(err, fs.ErrNotExist) {
		err = &LostError{URL: r.from.URL(path), Err: err}
	}
	if err != nil {
		return nil, err
	}
	got := layout.Reference{Size: int64(len(content)), SHA256: manifest.Digest(content)}
	if got != want {
		return nil, &MismatchError{URL: r.from.URL(path), Got: got, Want: want}
	}
	return content, nil
}
