package checksum

import (
	"os"
	"slices"
	"strings"
	"sync"
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
	in := &packersdk.MockArtifact{FilesValue: []string{"disk.qcow2"}, IdValue: "7", StateValues: map[string]any{}}
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

// TestOneFile: several types and builds can have one file, and building again does not
// make it longer.
func TestOneFile(t *testing.T) {
	t.Chdir(t.TempDir())
	sum := func(name string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("hello"), 0o644); err != nil {
			t.Error(err)
		}
		p := new(PostProcessor)
		if err := p.Configure(map[string]any{"checksum_types": []string{"md5", "sha1"}, "output": "new/{{.SUMS}}"}); err != nil {
			t.Error(err)
		}
		in := &packersdk.MockArtifact{FilesValue: []string{name}, StateValues: map[string]any{"generated_data": map[any]any{"SUMS": "SUMS"}}}
		out, _, _, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in)
		if err != nil || !slices.Equal(out.Files(), []string{name, "new/SUMS"}) {
			t.Errorf("%v, %v", out, err)
		}
	}
	var builds sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		builds.Go(func() { sum(name) })
	}
	builds.Wait()
	sum("a")
	text, err := os.ReadFile("new/SUMS")
	if err != nil {
		t.Fatal(err)
	}
	const md5, sha1 = "5d41402abc4b2a76b9719d911017c592  ", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d  "
	want := []string{md5 + "a", md5 + "b", md5 + "c", sha1 + "a", sha1 + "b", sha1 + "c"}
	if got := slices.Sorted(strings.SplitSeq(strings.TrimSpace(string(text)), "\n")); !slices.Equal(got, want) {
		t.Errorf("%s", text)
	}
}

func TestConfigure(t *testing.T) {
	err := new(PostProcessor).Configure(map[string]any{"checksum_types": []string{"sha257"}})
	if err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Error(err)
	}
}
