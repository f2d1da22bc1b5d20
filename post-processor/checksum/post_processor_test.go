package checksum

import (
	"os"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestPostProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("disk.qcow2", []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := new(PostProcessor)
	core := map[string]any{"packer_build_name": "n", "packer_builder_type": "t"}
	if err := p.Configure(core, map[string]any{"checksum_types": []string{"md5", "sha256"}}); err != nil {
		t.Fatal(err)
	}
	in := &packersdk.MockArtifact{FilesValue: []string{"disk.qcow2"}, IdValue: "7"}
	out, keep, force, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in)
	if err != nil || !keep || !force {
		t.Fatal(keep, force, err)
	}
	want := []string{"disk.qcow2", "packer_n_t_md5.checksum", "packer_n_t_sha256.checksum"}
	if !slices.Equal(out.Files(), want) || out.Id() != "7" {
		t.Errorf("files %v, id %s", out.Files(), out.Id())
	}
	text, err := os.ReadFile("packer_n_t_md5.checksum")
	if err != nil || string(text) != "5d41402abc4b2a76b9719d911017c592  disk.qcow2\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestConfigure(t *testing.T) {
	err := new(PostProcessor).Configure(map[string]any{"checksum_types": []string{"sha257"}})
	if err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Error(err)
	}
}
