package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/go-version"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// sourcePart is a part of a source's path, which becomes a directory.
var sourcePart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// pluginName is the last part of a source: the name that a plugin's file has.
var pluginName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// CheckSource returns what is wrong with the source of a plugin, such as
// "github.com/hashicorp/qemu": a host and a path of at least two parts, without a scheme. The
// last is the plugin's name, in lower case.
func CheckSource(source string) error {
	parts := strings.Split(source, "/")
	if len(parts) < 3 || len(parts) > 16 {
		return fmt.Errorf("%q is not the source of a plugin, such as github.com/hashicorp/qemu", source)
	}
	for _, part := range parts {
		if !sourcePart.MatchString(part) {
			return fmt.Errorf("%q is not the source of a plugin, such as github.com/hashicorp/qemu", source)
		}
	}
	name := parts[len(parts)-1]
	if !pluginName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a plugin: it has lower-case letters, digits and dashes", name)
	}
	if strings.HasPrefix(name, "packer-") {
		return fmt.Errorf("the source of a plugin ends in its name without %q: %s", "packer-plugin-", strings.Join(append(parts[:len(parts)-1], strings.TrimPrefix(strings.TrimPrefix(name, "packer-"), "plugin-")), "/"))
	}
	return nil
}

// Install puts the plugin in a file into a directory of plugins, as that of a source. One
// of the same version is replaced.
func Install(ctx context.Context, dir, file, source string) (Plugin, error) {
	if err := CheckSource(source); err != nil {
		return Plugin{}, err
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return Plugin{}, fmt.Errorf("installing a plugin: %w", err)
	}
	said, err := Describe(ctx, file)
	if err != nil {
		return Plugin{}, err
	}
	return install(ctx, dir, file, source, said)
}

// install installs a plugin that has described itself.
func install(ctx context.Context, dir, file, source string, said Description) (Plugin, error) {
	at, err := place(dir, source, said)
	if err != nil {
		return Plugin{}, fmt.Errorf("installing %s: %w", file, err)
	}
	if err := put(file, at); err != nil {
		return Plugin{}, fmt.Errorf("installing %s: %w", file, err)
	}
	return inspect(ctx, dir, at)
}

// place returns where a plugin belongs. Of versions that were not released only those of
// developers are taken, as Packer does: another could never be told from a release.
func place(dir, source string, said Description) (string, error) {
	v, err := version.NewSemver(said.Version)
	if err != nil {
		return "", fmt.Errorf("it says that its version is %q", said.Version)
	}
	if v.Prerelease() != "" && v.Prerelease() != "dev" {
		return "", fmt.Errorf("its version is %s; only releases and -dev can be installed from a file", said.Version)
	}
	if err := checkAPI(said.APIVersion); err != nil {
		return "", err
	}
	name := fmt.Sprintf("packer-plugin-%s_v%s_%s_%s_%s", filepath.Base(source), strings.TrimSuffix(v.String(), "+"+v.Metadata()), said.APIVersion, runtime.GOOS, runtime.GOARCH)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, filepath.FromSlash(source), name), nil
}

// put copies a plugin, with its checksum beside it. A plugin without its checksum is not
// one that can be used, so nobody finds half of one.
func put(file, at string) error {
	content, err := regular.ReadFile(file, maxPlugin)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	sumFile := strings.TrimSuffix(at, ".exe") + sumSuffix
	if err := os.Remove(sumFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := executable.While(func() error { return renameio.WriteFile(at, content, 0o755) }); err != nil {
		return err
	}
	return renameio.WriteFile(sumFile, []byte(manifest.Digest(content)), 0o644)
}

// maxPlugin is how many bytes a plugin may have.
const maxPlugin = 1 << 30

// Remove removes a plugin and its checksum.
func Remove(p Plugin) error {
	err := os.Remove(strings.TrimSuffix(p.Path, ".exe") + sumSuffix)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, os.Remove(p.Path)); err != nil {
		return fmt.Errorf("removing %s: %w", p, err)
	}
	return nil
}
