package data

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// built is the artifact of a build that has told of its data.
func built(told string) packersdk.Artifact {
	return &packersdk.MockArtifact{StateValues: map[string]any{component.StateData: told}}
}

func configured(t *testing.T, settings map[string]any) *PostProcessor {
	t.Helper()
	p := new(PostProcessor)
	if err := p.Configure(settings); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPostProcess: the disk becomes an image that describes itself.
func TestPostProcess(t *testing.T) {
	dir := t.TempDir()
	disk := component.DataDisk{Path: filepath.Join(dir, "disk.raw"), GOlr: json.RawMessage(`{"documents": 42, "on": "data", "schema": "5c4e3a"}`)}
	if err := os.WriteFile(disk.Path, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(disk)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	p := configured(t, map[string]any{"output_directory": out, "image_name": "go-data"})
	made, keep, force, err := p.PostProcess(t.Context(), packersdk.TestUi(t), built(string(told)))
	if err != nil || keep || force {
		t.Fatal(keep, force, err)
	}
	var names []string
	for _, file := range made.Files() {
		names = append(names, filepath.Base(file))
	}
	if !slices.Equal(names, []string{"go-data.qcow2", "manifest.json", "SHA256SUMS"}) || !strings.HasPrefix(made.Id(), "go-data@sha256:") {
		t.Errorf("%q, %s", names, made.Id())
	}
	m, err := manifest.ReadFile(filepath.Join(out, manifest.FileName))
	if err != nil || m.Variant != manifest.DataVariant || m.GOlr.Documents != 42 || m.GOlr.Schema != "5c4e3a" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := made.Destroy(); err != nil {
		t.Error(err)
	}
}

// TestWithoutData: data in the image of the system need no image.
func TestWithoutData(t *testing.T) {
	made, keep, force, err := configured(t, nil).PostProcess(t.Context(), packersdk.TestUi(t), built(""))
	if made != nil || keep || force || err != nil {
		t.Error(made, keep, force, err)
	}
}

// TestFails: what the build has told is not there any more.
func TestFails(t *testing.T) {
	_, keep, force, err := configured(t, nil).PostProcess(t.Context(), packersdk.TestUi(t), built(`{"path": "/missing"}`))
	if err == nil || !keep || !force {
		t.Error(keep, force, err)
	}
	if err := new(PostProcessor).Configure(map[string]any{"image_name": "../x"}); err == nil || !strings.Contains(err.Error(), "image_name") {
		t.Error(err)
	}
}

func TestFingerprint(t *testing.T) {
	seen := map[string]bool{}
	for _, settings := range []map[string]any{nil, {"image_name": "x"}, {"output_directory": "x"}} {
		sum, err := configured(t, settings).Fingerprint(t.Context())
		if err != nil || seen[sum] {
			t.Errorf("%v: %s, %v", settings, sum, err)
		}
		seen[sum] = true
	}
}
