package manifest

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func add1(t *testing.T, name string, config map[string]any) {
	t.Helper()
	p := new(PostProcessor)
	core := map[string]any{"packer_build_name": name, "packer_builder_type": "null", "packer_force": config["force"]}
	delete(config, "force")
	if err := p.Configure(core, config); err != nil {
		t.Fatal(err)
	}
	in := &packersdk.MockArtifact{FilesValue: []string{"out/disk"}, IdValue: "id", StateValues: map[string]any{"generated_data": map[any]any{"ID": "7"}}}
	if _, keep, force, err := p.PostProcess(context.Background(), packersdk.TestUi(t), in); err != nil || !keep || !force {
		t.Error(keep, force, err)
	}
}

func TestPostProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PACKER_RUN_UUID", "run-1")
	if err := os.Mkdir("out", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("out/disk", []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	add1(t, "a", map[string]any{"strip_time": true, "strip_path": true, "custom_data": map[string]string{"k": "v", "of": "{{`{{.ID}}`}}"}})
	const want = `{
  "builds": [
    {
      "name": "a",
      "builder_type": "null",
      "files": [
        {
          "name": "disk",
          "size": 5
        }
      ],
      "artifact_id": "id",
      "packer_run_uuid": "run-1",
      "custom_data": {
        "k": "v",
        "of": "7"
      }
    }
  ],
  "last_run_uuid": "run-1"
}`
	text, err := os.ReadFile("packer-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { add1(t, "b", map[string]any{}) })
	}
	wg.Wait()
	count(t, 11)
	t.Setenv("PACKER_RUN_UUID", "run-2")
	add1(t, "c", map[string]any{})
	count(t, 12)
	t.Setenv("PACKER_RUN_UUID", "run-3")
	add1(t, "d", map[string]any{"force": true})
	count(t, 1)
}

func count(t *testing.T, want int) {
	t.Helper()
	text, err := os.ReadFile("packer-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil || len(d.Builds) != want {
		t.Errorf("%d builds, want %d: %v", len(d.Builds), want, err)
	}
}

// TestFilesElsewhere: an artifact may name what is on no disk of this host.
func TestFilesElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	p := new(PostProcessor)
	if err := p.Configure(map[string]any{}); err != nil {
		t.Fatal(err)
	}
	in := &packersdk.MockArtifact{FilesValue: []string{"somewhere"}, StateValues: map[string]any{}}
	if _, _, _, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in); err != nil {
		t.Fatal(err)
	}
	d, err := read("packer-manifest.json")
	if err != nil || len(d.Builds) != 1 || d.Builds[0].Files[0] != (listed{Name: "somewhere"}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("packer-manifest.json", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := new(PostProcessor)
	if err := p.Configure(map[string]any{}); err != nil {
		t.Fatal(err)
	}
	in := &packersdk.MockArtifact{FilesValue: []string{}}
	if _, _, _, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in); err == nil {
		t.Error("a file that is not a manifest was replaced")
	}
	if text, _ := os.ReadFile("packer-manifest.json"); string(text) != "mine" {
		t.Errorf("%q", text)
	}
}
