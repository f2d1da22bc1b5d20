package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/packer-plugin-sdk/pathing"
	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Dir returns the directory of plugins: PACKER_PLUGIN_PATH, or "plugins" in Packer's
// directory of configuration. It need not exist.
func Dir() (string, error) {
	if dir := os.Getenv("PACKER_PLUGIN_PATH"); dir != "" {
		if strings.ContainsRune(dir, os.PathListSeparator) {
			return "", fmt.Errorf("PACKER_PLUGIN_PATH: %q is several directories; one is needed", dir)
		}
		return dir, nil
	}
	dir, err := pathing.ConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding the directory of plugins: %w", err)
	}
	return filepath.Join(dir, "plugins"), nil
}

// Ignored is a file in the directory of plugins that looks like one and is not used.
type Ignored struct {
	Path string
	Why  error
}

// fileName is the form of a plugin's file name on this system: its name, its version
// without "v", and the version of its protocol.
var fileName = regexp.MustCompile(`^packer-plugin-([a-z0-9][a-z0-9-]*)_v([^_]+)_(x[0-9]+\.[0-9]+)_` + runtime.GOOS + "_" + runtime.GOARCH + `(\.exe)?$`)

// sumSuffix ends the name of the file with a plugin's checksum.
const sumSuffix = "_SHA256SUM"

// Installed returns the plugins below a directory that can be used here, the newest
// version of each first. What looks like a plugin of this system and can't be used comes
// with the reason. A directory that is not there has none. wanted chooses among sources
// and names, since each plugin is read and started; nil takes all.
func Installed(ctx context.Context, dir string, wanted func(source, name string) bool) ([]Plugin, []Ignored, error) {
	var found []Plugin
	var ignored []Ignored
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		rel, _ := filepath.Rel(dir, at)
		if entry.IsDir() || !fileName.MatchString(entry.Name()) || !strings.Contains(rel, string(filepath.Separator)) {
			return nil
		}
		if name := fileName.FindStringSubmatch(entry.Name())[1]; wanted != nil && !wanted(filepath.ToSlash(filepath.Dir(rel)), name) {
			return nil
		}
		if p, err := inspect(ctx, dir, at); err != nil {
			ignored = append(ignored, Ignored{Path: at, Why: err})
		} else {
			found = append(found, p)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("looking for plugins: %w", err)
	}
	slices.SortStableFunc(found, func(a, b Plugin) int { return b.Version.Compare(a.Version) })
	return found, ignored, nil
}

// inspect returns the plugin in a file, if it is one that can be used.
func inspect(ctx context.Context, dir, at string) (Plugin, error) {
	rel, err := filepath.Rel(dir, filepath.Dir(at))
	if err != nil {
		return Plugin{}, err
	}
	parts := fileName.FindStringSubmatch(filepath.Base(at))
	p := Plugin{Source: path.Clean(filepath.ToSlash(rel)), Name: parts[1], Path: at}
	if p.Version, err = version.NewSemver(parts[2]); err != nil || p.Version.String() != parts[2] {
		return p, fmt.Errorf("%q is not a version such as 1.2.3", parts[2])
	}
	if p.Version.Metadata() != "" {
		return p, fmt.Errorf("the version %q has metadata, which the name of a file must not have", parts[2])
	}
	if err := checkSum(at); err != nil {
		return p, err
	}
	if p.Description, err = Describe(ctx, at); err != nil {
		return p, err
	}
	return p, p.check(parts[3])
}

// check compares what a plugin says of itself with its name, and with what can be
// spoken here.
func (p Plugin) check(api string) error {
	said, err := version.NewSemver(p.Description.Version)
	if err != nil {
		return fmt.Errorf("it says that its version is %q", p.Description.Version)
	}
	if core := strings.TrimSuffix(said.String(), "+"+said.Metadata()); core != p.Version.String() {
		return fmt.Errorf("it says that its version is %s", p.Description.Version)
	}
	if p.APIVersion != api {
		return fmt.Errorf("it says that its protocol is %s", p.APIVersion)
	}
	return checkAPI(p.APIVersion)
}

// checkAPI finds out whether a version of the protocol can be spoken here: the same
// major version, and no newer minor one.
func checkAPI(api string) error {
	var major, minor, ourMajor, ourMinor int
	_, err := fmt.Sscanf(api, "x%d.%d", &major, &minor)
	_, ours := fmt.Sscanf(sdk.APIVersionMajor+" "+sdk.APIVersionMinor, "%d %d", &ourMajor, &ourMinor)
	if err := errors.Join(err, ours); err != nil {
		return fmt.Errorf("%q is not a version of a plugin's protocol", api)
	}
	if major != ourMajor || minor > ourMinor {
		return fmt.Errorf("its protocol is %s, and x%d.%d is spoken here", api, ourMajor, ourMinor)
	}
	return nil
}

// checkSum compares a plugin with the checksum beside it.
func checkSum(at string) error {
	want, err := regular.ReadFile(strings.TrimSuffix(at, ".exe")+sumSuffix, 1<<10)
	if err != nil {
		return fmt.Errorf("its checksum is missing: %w", err)
	}
	got, err := digest(at)
	if err != nil {
		return err
	}
	if got != strings.TrimSpace(string(want)) {
		return errors.New("it is not what its checksum says")
	}
	return nil
}

// digest returns the SHA-256 of a file, in hexadecimal.
func digest(at string) (string, error) {
	_, digest, err := manifest.DigestFile(at, func(_, _ int64) {})
	return digest, err
}
