package repository

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Documents of publishers.
var (
	uploadFile       = path.Join(layout.StateDir, "upload.json")
	tombstoneFile    = path.Join(layout.StateDir, "tombstones.json")
	nightsFile       = path.Join(layout.StateDir, "nights.json")
	capabilitiesFile = path.Join(layout.StateDir, "store.json")
	siteFile         = path.Join(layout.StateDir, "site.json")
)

// upload is what a publisher begins with. Who finishes the work of one that
// died finds here which version it was.
type upload struct {
	Version     string    `json:"version"`
	Fingerprint string    `json:"fingerprint"` // of the images
	Started     time.Time `json:"started"`
}

// VersionTakenError says that a version exists with other images.
type VersionTakenError struct{ Version string }

func (e *VersionTakenError) Error() string {
	return fmt.Sprintf("version %s is there already, with other images, and versions are never changed", e.Version)
}

// Fault implements [fault.Reporter].
func (e *VersionTakenError) Fault() fault.Report {
	return fault.Report{
		What: fmt.Sprintf("version %s is there already, with other images", e.Version), Where: "versions never change",
		Code: fault.Publish, Try: fault.Retry(fault.OtherVersion),
	}
}

// versions returns the manifests of all versions that some channel signs,
// newest first.
func (r *Repository) versions(ctx context.Context, state tuf.State) ([]layout.VersionManifest, error) {
	var all []layout.VersionManifest
	for name, pinned := range signedVersions(state) {
		v, err := r.readVersion(ctx, name, pinned)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b layout.VersionManifest) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Version, a.Version))
	})
	return all, nil
}

// signedVersions returns the manifests of the versions that channels sign.
func signedVersions(state tuf.State) map[string]layout.Reference {
	pinned := map[string]layout.Reference{}
	for _, channel := range state.Channels() {
		for file, reference := range state.Targets(channel) {
			if path.Base(file) == layout.ManifestFile {
				pinned[versionOf(file)] = reference
			}
		}
	}
	return pinned
}

// versionOf returns the version that a path of a repository belongs to, or "".
func versionOf(file string) string {
	dir, rest, _ := strings.Cut(file, "/")
	version, _, _ := strings.Cut(rest, "/")
	if dir != layout.VersionsDir || layout.CheckVersion(version) != nil {
		return ""
	}
	return version
}

// readVersion reads a version's manifest and verifies it.
func (r *Repository) readVersion(ctx context.Context, name string, pinned layout.Reference) (layout.VersionManifest, error) {
	file := layout.Version(name, layout.ManifestFile)
	content, err := r.readPinned(ctx, file, pinned)
	if err != nil {
		return layout.VersionManifest{}, err
	}
	v, err := layout.DecodeVersion(content)
	if err != nil {
		return v, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

func (r *Repository) readPinned(ctx context.Context, file string, pinned layout.Reference) ([]byte, error) {
	content, _, err := r.store.Read(ctx, file)
	if err != nil {
		return nil, err
	}
	if int64(len(content)) != pinned.Size || manifest.Digest(content) != pinned.SHA256 {
		return nil, &AlteredError{Path: file}
	}
	return content, nil
}

// filesOf returns the signed files of a version, by whichever channel.
func filesOf(state tuf.State, version string) map[string]layout.Reference {
	for _, channel := range state.Channels() {
		files := state.Targets(channel)
		maps.DeleteFunc(files, func(file string, _ layout.Reference) bool { return versionOf(file) != version })
		if len(files) > 0 {
			return files
		}
	}
	return nil
}

// names are all names that versions have or had.
func (r *Repository) names(ctx context.Context, state tuf.State) (map[string]bool, error) {
	names := map[string]bool{}
	for name := range signedVersions(state) {
		names[name] = true
	}
	for _, name := range state.Channels() {
		channel, _, err := state.Channel(name)
		if err != nil {
			return nil, err
		}
		for _, move := range channel.History {
			names[move.Version] = true
		}
	}
	var gone []layout.Tombstone
	if err := r.readState(ctx, tombstoneFile, &gone); err != nil {
		return nil, err
	}
	for _, stone := range gone {
		names[stone.Version] = true
	}
	left, err := r.store.List(ctx, layout.VersionsDir+"/")
	for _, entry := range left {
		names[versionOf(entry.Path)] = true
	}
	return names, err
}

// target is the version that a release becomes.
type target struct {
	version string
	signed  bool // the repository has it already
}

// choose decides which version the images become: the one that they are
// already, the one that a dead publisher began, or a new one.
func (r *Repository) choose(ctx context.Context, state tuf.State, known []layout.VersionManifest, images []image, wanted string) (target, error) {
	is := fingerprint(images)
	for _, v := range known {
		same := fingerprintOf(v) == is
		if same && (wanted == "" || wanted == v.Version) {
			return target{version: v.Version, signed: true}, nil
		}
		if wanted == v.Version {
			return target{}, &VersionTakenError{Version: wanted}
		}
	}
	names, err := r.names(ctx, state)
	if err != nil {
		return target{}, err
	}
	var begun upload
	if err := r.readState(ctx, uploadFile, &begun); err != nil {
		return target{}, err
	}
	ours := begun.Fingerprint == is && begun.Version != ""
	switch {
	case ours && (wanted == "" || wanted == begun.Version):
		return target{version: begun.Version}, nil
	case wanted == "":
		return target{version: free(names, r.Now())}, nil
	case names[wanted]:
		return target{}, &VersionTakenError{Version: wanted}
	default:
		return target{version: wanted}, layout.CheckVersion(wanted)
	}
}

// free returns the first name for a version of that day.
func free(names map[string]bool, now time.Time) string {
	day := now.UTC().Format(time.DateOnly)
	name := day
	for n := 2; names[name]; n++ {
		name = fmt.Sprintf("%s.%d", day, n)
	}
	return name
}

// readState reads a document of publishers; without one, into is left alone.
func (r *Repository) readState(ctx context.Context, file string, into any) error {
	content, _, err := r.store.Read(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

// writeState writes a document of publishers.
func (r *Repository) writeState(ctx context.Context, file string, document any) error {
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return r.replace(ctx, file, append(content, '\n'))
}

// replace writes a small file that nobody trusts, unless it is there as it is.
func (r *Repository) replace(ctx context.Context, file string, content []byte) error {
	if old, _, err := r.store.Read(ctx, file); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return r.store.Put(ctx, file, content)
}
