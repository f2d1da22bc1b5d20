package bootstrap

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

// apt is apt-get on a state of its own: nothing of the host's is read or
// changed but its configuration.
type apt struct {
	architecture string
	state        string       // lists, kept between runs
	dir          *scratch.Dir // the rest
}

func newApt(ctx context.Context, c cache.Dir, architecture string, sources []string) (*apt, error) {
	// Unlike others this entry changes, under the lock of all of apt.
	state, _, err := c.Get(ctx, "apt", cache.Key(append([]string{architecture}, sources...)...), func(dir string) error {
		return os.MkdirAll(filepath.Join(dir, "lists", "partial"), 0o755)
	})
	if err != nil {
		return nil, fmt.Errorf("making apt's directories: %w", err)
	}
	dir, err := scratch.New(os.TempDir(), "apt")
	if err != nil {
		return nil, err
	}
	list := strings.Join(sources, "\n") + "\n"
	if err := os.WriteFile(dir.Path("sources.list"), []byte(list), 0o644); err != nil {
		dir.Close()
		return nil, fmt.Errorf("writing apt's sources: %w", err)
	}
	return &apt{architecture: architecture, state: state, dir: dir}, nil
}

func (a *apt) run(ctx context.Context, args ...string) ([]byte, error) {
	options := []string{
		"-o", "Dir::State::lists=" + filepath.Join(a.state, "lists"),
		"-o", "Dir::State::status=/dev/null",
		"-o", "Dir::State::extended_states=/dev/null",
		"-o", "Dir::Cache=" + a.dir.Path(),
		"-o", "Dir::Etc::sourcelist=" + a.dir.Path("sources.list"),
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::Etc::preferencesparts=/dev/null",
		"-o", "APT::Architecture=" + a.architecture, "-o", "APT::Architectures=" + a.architecture,
		"-o", "APT::Sandbox::User=", // the cache may be in a home that _apt can't enter
		"-o", "APT::Update::Error-Mode=any",
		"-q",
	}
	return command.Output(ctx, command.Cmd{Name: "apt-get", Args: append(options, args...), Env: []string{"LC_ALL=C"}})
}

// hasPackages tells whether the archive has a list of packages for the architecture, or for
// all of them.
func (a *apt) hasPackages() bool {
	for _, architecture := range []string{a.architecture, "all"} {
		lists, _ := filepath.Glob(filepath.Join(a.state, "lists", "*_binary-"+architecture+"_Packages*"))
		if len(lists) > 0 {
			return true
		}
	}
	return false
}

// digest returns the digest of the archive's signed index of today, which
// names the digests of all package lists.
func (a *apt) digest() (string, error) {
	paths, err := filepath.Glob(filepath.Join(a.state, "lists", "*Release"))
	if err != nil {
		return "", fmt.Errorf("reading package lists: %w", err)
	}
	slices.Sort(paths)
	parts := make([]string, len(paths))
	for i, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading package lists: %w", err)
		}
		parts[i] = string(content)
	}
	return cache.Key(parts...), nil
}

func (a *apt) close() { a.dir.Close() }
