package plugin

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// NoReleaseError says that no release of a plugin does.
type NoReleaseError struct {
	Required pipeline.RequiredPlugin
	Versions []string // that there are, whether they meet the constraint or not
	Err      error    // what kept us from looking further, or nil
}

func (e *NoReleaseError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("finding a release of %s: %v", e.Required, e.Err)
	case len(e.Versions) == 0:
		return fmt.Sprintf("there is no release of %s", e.Required.Source)
	default:
		return fmt.Sprintf("no release of %s is for %s_%s", e.Required, runtime.GOOS, runtime.GOARCH)
	}
}

func (e *NoReleaseError) Unwrap() error { return e.Err }

// ChecksumError says that a plugin is not what its release says.
type ChecksumError struct{ File, Want, Got string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s has sha256 %s, and should have %s", e.File, e.Got, e.Want)
}

// Download installs the newest release of a plugin that meets its constraints and runs on
// this host, into a directory of plugins. It looks in each of the places in turn. The
// archive has to have the checksum that the release says, and the plugin the version.
//
// Errors are [*NoReleaseError], [*ChecksumError], and those of the network.
func Download(ctx context.Context, dir string, required pipeline.RequiredPlugin, places []Releases) (Plugin, error) {
	if err := CheckSource(required.Source); err != nil {
		return Plugin{}, err
	}
	none := &NoReleaseError{Required: required}
	for _, place := range places {
		names, err := place.Versions(ctx, required.Source)
		if err != nil {
			none.Err = errors.Join(none.Err, err)
			continue
		}
		none.Versions = append(none.Versions, names...)
		for _, name := range suitable(names, required) {
			p, err := downloadVersion(ctx, dir, required.Source, name, place)
			if err == nil || !errors.Is(err, errNotForUs) && !errors.Is(err, fs.ErrNotExist) {
				return p, err
			}
		}
	}
	if len(none.Versions) > 0 {
		none.Err = nil // one of the places knows it
	}
	return Plugin{}, none
}

// suitable returns the names of the released versions that meet the constraints, the
// newest first.
func suitable(names []string, required pipeline.RequiredPlugin) []string {
	versions := map[string]*version.Version{}
	for _, name := range names {
		v, err := version.NewSemver(strings.TrimPrefix(name, "v"))
		if err == nil && v.Prerelease() == "" && required.Constraints.Check(v) {
			versions[name] = v
		}
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return versions[name] == nil })
	slices.SortStableFunc(names, func(a, b string) int { return versions[b].Compare(versions[a]) })
	return names
}

// errNotForUs is a release without a plugin for this host, or for our protocol.
var errNotForUs = errors.New("it is not for this host")

func downloadVersion(ctx context.Context, dir, source, name string, place Releases) (Plugin, error) {
	sums, err := place.Fetch(ctx, source, name, sumsOf(source, name), maxList)
	if err != nil {
		return Plugin{}, err
	}
	archive, want := archiveIn(string(sums), program(source))
	if archive == "" {
		return Plugin{}, errNotForUs
	}
	content, err := place.Fetch(ctx, source, name, archive, maxPlugin)
	if err != nil {
		return Plugin{}, err
	}
	if got := manifest.Digest(content); got != want {
		return Plugin{}, &ChecksumError{File: archive, Want: want, Got: got}
	}
	return installArchive(ctx, dir, source, strings.TrimPrefix(name, "v"), archive, content)
}

// archiveIn returns the name and the checksum of the archive for this host, of a protocol
// that can be spoken here, in a list of checksums. HashiCorp's names have no protocol.
func archiveIn(sums, program string) (name, sum string) {
	suffix := "_" + runtime.GOOS + "_" + runtime.GOARCH + ".zip"
	for line := range strings.Lines(sums) {
		fields := strings.Fields(line)
		if len(fields) != 2 || len(fields[0]) != sha256.Size*2 {
			continue
		}
		file := strings.TrimPrefix(fields[1], "*")
		stem, ours := strings.CutSuffix(file, suffix)
		if !ours || !strings.HasPrefix(file, program+"_") || filepath.Base(file) != file {
			continue
		}
		api := stem[strings.LastIndex(stem, "_")+1:]
		if !strings.HasPrefix(api, "x") || checkAPI(api) == nil {
			return file, strings.ToLower(fields[0])
		}
	}
	return "", ""
}

// installArchive installs the plugin in an archive, if it has the version that it should.
func installArchive(ctx context.Context, dir, source, want, archive string, content []byte) (Plugin, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Plugin{}, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	// Here, since programs need not run in the directory for temporary files.
	temporary, err := scratch.New(dir, "download")
	if err != nil {
		return Plugin{}, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	defer temporary.Close()
	file := temporary.Path(program(source))
	if err := unpack(content, program(source), file); err != nil {
		return Plugin{}, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	said, err := Describe(ctx, file)
	if err != nil {
		return Plugin{}, fmt.Errorf("in %s: %w", archive, err)
	}
	if checkAPI(said.APIVersion) != nil {
		return Plugin{}, errNotForUs
	}
	if said.Version != want {
		return Plugin{}, fmt.Errorf("the plugin in %s says that its version is %s", archive, said.Version)
	}
	return install(ctx, dir, file, source, said)
}

// unpack writes the program in an archive to a file. A licence may be beside it.
func unpack(archive []byte, program, to string) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(r.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, program+"_") && f.Mode().IsRegular() })
	if at < 0 {
		return fmt.Errorf("it has no file %s_*", program)
	}
	in, err := r.File[at].Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	content, err := io.ReadAll(io.LimitReader(in, maxPlugin+1))
	if err == nil && len(content) > maxPlugin {
		err = fmt.Errorf("%s has more than %d bytes", r.File[at].Name, maxPlugin)
	}
	if err != nil {
		return err
	}
	return executable.Write(to, content)
}
