package publish

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

func configured(t *testing.T, settings map[string]any) *PostProcessor {
	t.Helper()
	p := new(PostProcessor)
	if err := p.Configure(settings); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConfigure(t *testing.T) {
	p := configured(t, map[string]any{"packer_build_name": "go", "repository": "file:///srv/{{build_name}}"})
	if p.config.Repository != "file:///srv/go" || p.config.Channel != "nightly" || p.config.wait != 10*time.Minute {
		t.Errorf("%+v", p.config)
	}
	err := new(PostProcessor).Configure(map[string]any{"channel": "Root", "version": "../1", "wait": "soon"})
	for _, want := range []string{"repository: it is required", "channel:", "version:", "wait:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestRepositoryMustBeOne(t *testing.T) {
	for _, repository := range []string{"s3:bucket", "file://srv/www", `C:\images`} {
		err := new(PostProcessor).Configure(map[string]any{"repository": repository})
		if err == nil || !strings.Contains(err.Error(), "repository: "+repository+" is not the address of a repository") {
			t.Errorf("%s: %v", repository, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	sums := map[string]bool{}
	for _, channel := range []string{"nightly", "stable", "nightly"} {
		sum, err := configured(t, map[string]any{"repository": "r", "channel": channel}).Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sums[sum] = true
	}
	if len(sums) != 2 {
		t.Errorf("%d fingerprints of two settings", len(sums))
	}
}

// image makes the directory of an image and returns its files.
func image(t *testing.T, variant string) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), variant)
	disk := filepath.Join(dir, variant+".qcow2")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", disk, "1M"}}); err != nil {
		t.Fatal(err)
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	names, err := manifest.Write(dir, manifest.Manifest{
		Variant: variant, Created: time.Now(),
		Files: []manifest.File{{Name: filepath.Base(disk), Role: manifest.Disk, Format: "qcow2", Size: size, VirtualSize: 1 << 20, SHA256: digest}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{disk}
	for _, name := range names {
		files = append(files, filepath.Join(dir, name))
	}
	return files
}

func TestPostProcess(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := tuf.CreateRing(keys, tuf.Setup{Channels: []string{"nightly"}}, tuf.DefaultPolicy(), time.Now()); err != nil {
		t.Fatal(err)
	}
	to, distribution, production := t.TempDir(), image(t, "distribution"), image(t, "production")
	settings := map[string]any{"repository": to, "keys": keys, "version": "1"}
	input := &packersdk.MockArtifact{FilesValue: production, IdValue: "image"}
	for version, directories := range map[string][]string{"1": nil, "2": {filepath.Dir(distribution[0]), filepath.Dir(production[0])}} {
		settings["version"], settings["directories"] = version, directories
		made, keep, force, err := configured(t, settings).PostProcess(t.Context(), packersdk.TestUi(t), input)
		if err != nil || !keep || !force {
			t.Fatal(keep, force, err)
		}
		if made.Id() != "nightly@"+version || len(made.Files()) != len(production) || !strings.HasPrefix(made.String(), "published: nightly of ") {
			t.Errorf("%s: %s", made.Id(), made)
		}
		content, err := os.ReadFile(filepath.Join(to, layout.Version(version, layout.ManifestFile)))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := layout.DecodeVersion(content); err != nil || len(v.Images) != max(1, len(directories)) {
			t.Errorf("%v: %+v", err, v)
		}
	}
}

func TestRefusals(t *testing.T) {
	process := func(settings map[string]any, files ...string) error {
		settings["repository"] = t.TempDir()
		_, keep, _, err := configured(t, settings).PostProcess(t.Context(), packersdk.TestUi(t), &packersdk.MockArtifact{FilesValue: files})
		if !keep {
			t.Error("the input goes")
		}
		return err
	}
	if err := process(map[string]any{}, "disk.qcow2"); err == nil || !strings.Contains(err.Error(), "not a finished image") {
		t.Errorf("no image: %v", err)
	}
	if err := process(map[string]any{"keys": filepath.Join(t.TempDir(), "none")}, image(t, "production")...); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "keys init") {
		t.Errorf("no keys: %v", err)
	}
}
