package repository

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

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
	content, err := r.store.Read(ctx, file)
	if err != nil {
		return nil, err
	}
	if int64(len(content)) != pinned.Size || manifest.Digest(content) != pinned.SHA256 {
		return nil, &AlteredError{Path: file}
	}
	return content, nil
}

// filesOf returns the signed files of a version, by whichever channel: those in its
// directory, and those of images that earlier versions have brought.
func filesOf(state tuf.State, v layout.VersionManifest) map[string]layout.Reference {
	for _, channel := range state.Channels() {
		files := state.Targets(channel)
		maps.DeleteFunc(files, func(file string, _ layout.Reference) bool { return versionOf(file) != v.Version })
		// Without its manifest a channel signs only what another version has of it.
		if _, whole := files[layout.Version(v.Version, layout.ManifestFile)]; whole {
			maps.Copy(files, lentTo(v))
			return files
		}
	}
	return nil
}

// lentTo are the files of images that earlier versions have brought, by path.
func lentTo(v layout.VersionManifest) map[string]layout.Reference {
	files := map[string]layout.Reference{}
	for _, file := range v.Files {
		if v.Holder(file.Name) != v.Version {
			files[v.Path(file.Name)] = layout.Reference{Size: file.Size, SHA256: file.SHA256}
		}
	}
	return files
}

// names are all names that versions have or had.
func (r *Repository) names(ctx context.Context, state tuf.State, stones []layout.Tombstone) (map[string]bool, error) {
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
	for _, stone := range stones {
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
func (r *Repository) choose(ctx context.Context, current picture, known library, images []image, wanted string) (target, error) {
	is := fingerprint(images)
	for _, v := range known.versions() {
		same := fingerprintOf(v) == is
		if same && (wanted == "" || wanted == v.Version) {
			return target{version: v.Version, signed: true}, nil
		}
		if wanted == v.Version {
			return target{}, &VersionTakenError{Version: wanted}
		}
	}
	names, err := r.names(ctx, current.State, current.notes.stones.value)
	if err != nil {
		return target{}, err
	}
	left, err := readNote[upload](ctx, r.store, uploadFile)
	if err != nil {
		return target{}, err
	}
	begun := left.value
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

// replace writes a small file that nobody trusts, unless it is there as it is.
func (r *Repository) replace(ctx context.Context, file string, content []byte) error {
	if old, err := r.store.Read(ctx, file); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return r.store.Put(ctx, file, content)
}
