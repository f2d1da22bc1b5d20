package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestDigests: all files get digests, and large ones a phase. A file that is gone has none.
func TestDigests(t *testing.T) {
	dir := t.TempDir()
	large, small := filepath.Join(dir, "large"), filepath.Join(dir, "small")
	for _, name := range []string{large, small} {
		if err := os.WriteFile(name, []byte("hello"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(large, soon); err != nil {
		t.Fatal(err)
	}
	var emitted []event.Event
	r := &buildRun{
		plan:    &Plan{template: &Template{mask: &mask{}}},
		build:   &Build{Name: "null.a", builder: &component{block: &componentBlock{typ: "null"}}},
		options: RunOptions{Sink: sinkFunc(func(e event.Event) { emitted = append(emitted, e) })},
	}
	made := describe([]packersdk.Artifact{&packersdk.MockArtifact{FilesValue: []string{small, large}}})
	made[0].Files = append(made[0].Files, File{Path: filepath.Join(dir, "gone")})
	files := r.digest(t.Context(), made)[0].Files
	for i, want := range []string{"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", files[1].SHA256, ""} {
		if files[i].SHA256 != want {
			t.Errorf("%s has digest %q, want %q", files[i].Path, files[i].SHA256, want)
		}
	}
	if len(files[1].SHA256) != 64 || made[0].Files[0].SHA256 != "" {
		t.Errorf("%q, %q", files[1].SHA256, made[0].Files[0].SHA256)
	}
	if last := emitted[len(emitted)-1]; last.Phase != "digest" || last.Type != event.PhaseEnd || last.Status != event.OK || last.Build != "null.a" {
		t.Errorf("the last event is %+v", last)
	}
}
