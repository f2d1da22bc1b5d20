package harden

import (
	"path"
	"slices"
	"strings"
)

// root is where AmiGO is in an image.
const root = "/srv/amigo"

// Leftovers returns the paths of tree that serving does not need, sorted, and
// of a directory that goes with all its content the directory alone. Both
// lists hold paths relative to /srv/amigo, or absolute ones below it. A
// directory that is kept is kept with everything in it.
func Leftovers(keep, tree []string) []string {
	whole, above := map[string]bool{}, map[string]bool{}
	for _, p := range keep {
		p = relative(p)
		whole[p] = true
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			above[dir] = true
		}
	}
	if whole["."] {
		return nil
	}
	paths := make([]string, len(tree))
	for i, p := range tree {
		paths[i] = relative(p)
	}
	slices.Sort(paths)
	gone := map[string]bool{}
	var left []string
	for _, p := range paths {
		if above[p] || whole[p] || under(whole, p) {
			continue
		}
		if !under(gone, p) {
			left = append(left, p)
		}
		gone[p] = true
	}
	return left
}

// under tells whether a directory above p is in dirs.
func under(dirs map[string]bool, p string) bool {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if dirs[dir] {
			return true
		}
	}
	return false
}

func relative(p string) string {
	p = path.Clean("/" + strings.TrimPrefix(strings.TrimSpace(p), root+"/"))
	return path.Clean(strings.TrimPrefix(p, "/"))
}
