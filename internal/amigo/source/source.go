// Package source brings AmiGO's source to the host: from a directory, a git
// repository or an archive.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/git"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Spec says where the source is.
type Spec struct {
	Location string // directory, git URL, or path or URL of a .tar.gz, .tar.xz or .zip archive
	Ref      string // of a git repository: branch, tag or commit; "" is its HEAD
	Checksum string // of an archive: "sha256:..."
	Fetch    fetch.Options
}

// Tree is a source that is on the host and was found to be an AmiGO.
type Tree struct {
	Dir     string
	Version string // AmiGO's own, from package.json
	Commit  string // of git, with "-dirty" behind it if files were changed since; "" when unknown
	Origin  string // where it came from, as an image may tell it: no secret, no path of the host
	Digest  string // of all that is built from
	// History are the last commits, Commit's own first; nil when unknown.
	History []manifest.Commit
}

// kind is how a location is reached.
type kind int

const (
	directory kind = iota
	archive
	repository
)

// archives are the endings of locations that are archives.
var archives = []string{".tar.gz", ".tgz", ".tar.xz", ".txz", ".zip"}

func kindOf(spec Spec) (kind, error) {
	info, err := os.Stat(spec.Location)
	switch {
	case err == nil && info.IsDir() && spec.Ref != "":
		return repository, nil
	case err == nil && info.IsDir():
		return directory, nil
	case isArchive(spec.Location):
		return archive, nil
	case git.IsRemote(spec.Location):
		return repository, nil
	case err == nil:
		return 0, fmt.Errorf("%s is neither a directory nor an archive (%s)", address.Shown(spec.Location), strings.Join(archives, ", "))
	}
	return 0, fmt.Errorf("%s: there is no such directory, and it is neither a git URL nor an archive (%s)", address.Shown(spec.Location), strings.Join(archives, ", "))
}

func isArchive(location string) bool {
	if fetch.IsURL(location) {
		location, _, _ = strings.Cut(location, "?")
	}
	for _, ending := range archives {
		if strings.HasSuffix(strings.ToLower(location), ending) {
			return true
		}
	}
	return false
}

// Validate says what is wrong with spec, as far as can be told without the
// network.
func Validate(spec Spec) error {
	if spec.Location == "" {
		return field.Errorf("Source", "is missing: a directory, a git URL or an archive with AmiGO's source")
	}
	var faults []error
	k, err := kindOf(spec)
	if err != nil {
		return field.Wrap("Source", err)
	}
	if spec.Ref != "" && k != repository {
		faults = append(faults, field.Errorf("Source.Ref", "only a git repository has refs"))
	}
	faults = append(faults, checkGit(spec, k))
	if spec.Checksum != "" && k != archive {
		faults = append(faults, field.Errorf("Source.Checksum", "only an archive has a checksum; name a commit of a git repository in ref"))
	}
	if spec.Checksum == "" && k == archive && fetch.IsURL(spec.Location) {
		faults = append(faults, field.Errorf("Source.Checksum", "is missing: an archive from the network is used only with \"sha256:...\""))
	}
	if err := fetch.ValidChecksum(spec.Checksum); err != nil {
		faults = append(faults, field.Wrap("Source.Checksum", err))
	}
	if k == directory {
		faults = append(faults, check(spec.Location))
	}
	return errors.Join(faults...)
}

// checkGit says what of spec git is not to be given.
func checkGit(spec Spec, k kind) error {
	if k != repository {
		return nil
	}
	var faults []error
	if git.IsRemote(spec.Location) {
		if err := git.CheckRemote(spec.Location); err != nil {
			faults = append(faults, field.Wrap("Source", err))
		}
	}
	if spec.Ref != "" {
		if err := git.CheckRef(spec.Ref); err != nil {
			faults = append(faults, field.Wrap("Source.Ref", err))
		}
	}
	return errors.Join(faults...)
}

// Get brings the source to the host and checks that it is an AmiGO.
func Get(ctx context.Context, c cache.Dir, spec Spec) (Tree, error) {
	k, err := kindOf(spec)
	if err == nil {
		err = checkGit(spec, k)
	}
	if err != nil {
		return Tree{}, err
	}
	var tree Tree
	switch k {
	case directory:
		tree, err = fromDirectory(ctx, spec)
	case archive:
		tree, err = fromArchive(ctx, c, spec)
	case repository:
		tree, err = fromGit(ctx, c, spec)
	}
	if err != nil {
		return Tree{}, err
	}
	files, err := tree.Files("/")
	if err != nil {
		return Tree{}, err
	}
	if err := errors.Join(checkLinks(tree, files), check(tree.Dir)); err != nil {
		return Tree{}, err
	}
	return describe(tree, files)
}

func describe(tree Tree, files fileset.Set) (Tree, error) {
	var about struct{ Version string }
	text, err := regular.ReadFile(filepath.Join(tree.Dir, "package.json"), regular.Document)
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err != nil {
		return Tree{}, fmt.Errorf("reading the version of AmiGO: %w", err)
	}
	tree.Version = about.Version
	tree.Digest, err = files.Digest()
	return tree, err
}

// Files returns the source's files as they shall be below root, without what a
// build in the same directory has left there.
func (t Tree) Files(root string) (fileset.Set, error) {
	return fileset.Tree(t.Dir, root, generated)
}

// generated tells what git ignores in AmiGO's repository and a build makes.
func generated(rel string) bool {
	switch base := path.Base(rel); {
	case base == ".git", base == "node_modules":
		return true
	case strings.HasSuffix(base, ".js"):
		dir := path.Dir(rel)
		return dir == "javascript/staging" || dir == "staging" || dir == data
	}
	switch rel {
	case "conf/amigo.yaml", "perl/bin/config.pl", "perl/bin/xrefs.json", "perl/bin/amigo-base-statistics-cache.json":
		return true
	}
	return false
}

const data = "javascript/npm/amigo2-instance-data/lib/data"

// String says in a few words what the source is.
func (t Tree) String() string {
	text := "AmiGO " + t.Version
	if t.Commit != "" {
		text += ", commit " + t.Commit[:min(12, len(t.Commit))]
	}
	return text
}
