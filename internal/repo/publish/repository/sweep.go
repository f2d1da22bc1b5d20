package repository

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// swept is what a sweep did, or would do.
type swept struct {
	stones   []layout.Tombstone // as they are then
	versions []string           // whose files went
	waiting  []layout.Tombstone // of versions whose files are still there
	files    int                // that went
	bytes    int64
}

// sweep removes the files of versions that were withdrawn long enough ago, what
// dead publishers left, and metadata that nobody asks for any more.
func (r *Repository) sweep(ctx context.Context, state tuf.State, stones []layout.Tombstone, dryRun bool) (swept, error) {
	phase := event.Start(r.Sink, "sweep", "")
	done, err := r.sweepStore(ctx, state, stones, dryRun)
	return done, phase.End(event.OK, fmt.Sprintf("%d files, %s", done.files, bytesize.Of(done.bytes)), err)
}

func (r *Repository) sweepStore(ctx context.Context, state tuf.State, stones []layout.Tombstone, dryRun bool) (swept, error) {
	files, err := r.store.List(ctx, layout.VersionsDir+"/")
	if err != nil {
		return swept{}, err
	}
	metadata, err := r.store.List(ctx, layout.MetadataDir+"/")
	if err != nil {
		return swept{}, err
	}
	begun, err := readNote[upload](ctx, r.store, uploadFile)
	if err != nil {
		return swept{}, err
	}
	dead := r.dead(state, files, stones, begun.value.Version)
	victims := r.superseded(state, metadata)
	there := map[string]bool{}
	for _, file := range files {
		version := versionOf(file.Path)
		there[version] = true
		if dead[version] {
			victims = append(victims, file)
		}
	}
	done := swept{stones: slices.Clone(stones)}
	if done.files, done.bytes, err = r.remove(ctx, victims, dryRun); err != nil {
		return done, err
	}
	done.versions = slices.Sorted(maps.Keys(dead))
	for i := range done.stones {
		stone := &done.stones[i]
		stone.Done = !there[stone.Version] || dead[stone.Version] && !dryRun
		if there[stone.Version] && !dead[stone.Version] {
			done.waiting = append(done.waiting, *stone)
		}
	}
	return done, nil
}

// remove removes files and counts them; a dry run only counts.
func (r *Repository) remove(ctx context.Context, victims []store.Entry, dryRun bool) (files int, bytes int64, err error) {
	for _, victim := range victims {
		files, bytes = files+1, bytes+victim.Size
		if dryRun {
			continue
		}
		if err := r.store.Remove(ctx, victim.Path); err != nil {
			return files, bytes, err
		}
	}
	return files, bytes, nil
}

// dead returns the versions whose files may go: withdrawn ones whose time has
// come, and those of publishers that died long ago.
func (r *Repository) dead(state tuf.State, files []store.Entry, stones []layout.Tombstone, begun string) map[string]bool {
	due := map[string]time.Time{}
	for _, file := range files { // a prune that died has left no stone
		version := versionOf(file.Path)
		if at := file.ModTime.Add(r.window()); at.After(due[version]) {
			due[version] = at
		}
	}
	for _, stone := range stones {
		if _, there := due[stone.Version]; there {
			due[stone.Version] = stone.NotBefore
		}
	}
	signed := signedVersions(state)
	dead := map[string]bool{}
	for version, at := range due {
		_, current := signed[version]
		if !current && version != "" && version != begun && !r.Now().Before(at) {
			dead[version] = true
		}
	}
	return dead
}

// superseded returns the metadata files that were replaced so long ago that no
// reader has what leads to them. Roots stay for ever: newcomers walk over them.
func (r *Repository) superseded(state tuf.State, files []store.Entry) []store.Entry {
	roles := map[string][]store.Entry{}
	for _, file := range files {
		_, role := numbered(file.Path)
		if role != "" && role != "root" {
			roles[role] = append(roles[role], file)
		}
	}
	current := state.Metadata()
	var old []store.Entry
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		line := roles[role]
		slices.SortFunc(line, func(a, b store.Entry) int {
			x, _ := numbered(a.Path)
			y, _ := numbered(b.Path)
			return cmp.Compare(x, y)
		})
		for i, file := range line[:len(line)-1] {
			replaced := line[i+1].ModTime
			if !slices.Contains(current, file.Path) && r.Now().Sub(replaced) > r.window() {
				old = append(old, file)
			}
		}
	}
	return old
}

// numbered returns the version and the role of a metadata file.
func numbered(file string) (version int64, role string) {
	number, rest, _ := strings.Cut(path.Base(file), ".")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, ""
	}
	return version, strings.TrimSuffix(rest, ".json")
}
