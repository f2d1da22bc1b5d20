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
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
)

// sweep removes the files of versions that were withdrawn long enough ago, what
// dead publishers left, and metadata that nobody asks for any more. It returns
// the tombstones as they are then.
func (r *Repository) sweep(ctx context.Context, state tuf.State, stones []layout.Tombstone, done *Pruned) ([]layout.Tombstone, error) {
	phase := event.Start(r.Sink, "sweep", "")
	stones, err := r.sweepStore(ctx, state, stones, done)
	return stones, phase.End(event.OK, fmt.Sprintf("%d files, %s", done.Files, bytesize.Of(done.Bytes)), err)
}

func (r *Repository) sweepStore(ctx context.Context, state tuf.State, stones []layout.Tombstone, done *Pruned) ([]layout.Tombstone, error) {
	files, err := r.store.List(ctx, layout.VersionsDir+"/")
	if err != nil {
		return nil, err
	}
	metadata, err := r.store.List(ctx, layout.MetadataDir+"/")
	if err != nil {
		return nil, err
	}
	var begun upload
	if err := r.readState(ctx, uploadFile, &begun); err != nil {
		return nil, err
	}
	dead := r.dead(state, files, stones, begun.Version)
	victims := r.superseded(state, metadata)
	there := map[string]bool{}
	for _, file := range files {
		version := versionOf(file.Path)
		there[version] = true
		if dead[version] {
			victims = append(victims, file)
		}
	}
	if err := r.remove(ctx, victims, done); err != nil {
		return nil, err
	}
	done.Removed = slices.Sorted(maps.Keys(dead))
	for i := range stones {
		name := stones[i].Version
		stones[i].Done = !there[name] || dead[name] && !done.DryRun
		if there[name] && !dead[name] {
			done.Waiting = append(done.Waiting, stones[i])
		}
	}
	return stones, nil
}

func (r *Repository) remove(ctx context.Context, victims []store.Entry, done *Pruned) error {
	for _, victim := range victims {
		done.Files, done.Bytes = done.Files+1, done.Bytes+victim.Size
		if done.DryRun {
			continue
		}
		if err := r.store.Remove(ctx, victim.Path); err != nil {
			return err
		}
	}
	return nil
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
