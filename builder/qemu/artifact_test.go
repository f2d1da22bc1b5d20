package qemu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

var (
	_ pipeline.Restorer = (*Builder)(nil)
	_ pipeline.Saver    = (*Artifact)(nil)
)

// TestTakenUp: a disk that a later run takes up is to post-processors what it was.
func TestTakenUp(t *testing.T) {
	made := &Artifact{files: artifactFiles{"output/a/a.qcow2"}, state: map[string]any{
		component.StateDisk: "output/a/a.qcow2", component.StateCPUs: "2",
		"generated_data": map[string]any{"ID": "i-1", "User": "root"},
	}}
	text, err := made.Save()
	if err != nil {
		t.Fatal(err)
	}
	b := new(Builder)
	b.config.KeepArtifact = true
	again, err := b.Restore(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Id() != made.Id() || again.String() != made.String() || again.BuilderId() != made.BuilderId() {
		t.Errorf("it is %s", again)
	}
	for _, key := range []string{component.StateDisk, component.StateCPUs, "generated_data"} {
		if diff := cmp.Diff(made.State(key), again.State(key)); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	if err := again.Destroy(); err != nil { // it is to be kept now
		t.Error(err)
	}
	for _, bad := range []string{"", "{}", `{"files": []}`} {
		if _, err := b.Restore([]byte(bad)); err == nil {
			t.Errorf("%q was taken up", bad)
		}
	}
}
