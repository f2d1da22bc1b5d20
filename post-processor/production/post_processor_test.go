package production

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/post-processor/internal/image"
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
	p := configured(t, map[string]any{"packer_build_name": "go", "output_directory": "out/{{build_name}}"})
	if p.config.OutputDirectory != "out/go" || p.config.ImageName != component.Production {
		t.Errorf("%+v", p.config.Config)
	}
	err := new(PostProcessor).Configure(map[string]any{"memory": 1, "cpus": 300, "imagename": "x"})
	if err == nil || !strings.Contains(err.Error(), "imagename") {
		t.Errorf("an unknown setting: %v", err)
	}
	err = new(PostProcessor).Configure(map[string]any{"memory": 1, "cpus": 300, "automatic_reboot": "noon"})
	for _, want := range []string{"memory: 1 MiB", "cpus: 300", `automatic_reboot: "noon"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestConfigSpec(t *testing.T) {
	types := hcldec.ImpliedType(new(PostProcessor).ConfigSpec()).AttributeTypes()
	for name, want := range map[string]cty.Type{"output_directory": cty.String, "firmwares": cty.List(cty.String), "cpus": cty.Number} {
		if got, ok := types[name]; !ok || !got.Equals(want) {
			t.Errorf("%s: %#v", name, got)
		}
	}
}

func TestFingerprint(t *testing.T) {
	sums := map[string]bool{}
	for _, memory := range []int{512, 1024, 512} {
		sum, err := configured(t, map[string]any{"memory": memory}).Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sums[sum] = true
	}
	if len(sums) != 2 {
		t.Errorf("%d fingerprints of two settings", len(sums))
	}
}

func disk(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.qcow2")
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", path, "1M"}}); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOutputOfOthers: what is not ours is refused before anything is done, and
// stays.
func TestOutputOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := configured(t, map[string]any{"output_directory": dir})
	input := &packersdk.MockArtifact{StateValues: map[string]any{component.StateDisk: disk(t)}}
	_, keep, force, err := p.PostProcess(t.Context(), packersdk.TestUi(t), input)
	var notOurs *outdir.NotOursError
	if !errors.As(err, &notOurs) || !keep || !force {
		t.Errorf("%v %v %v", err, keep, force)
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis")); err != nil {
		t.Error(err)
	}
}

func TestParent(t *testing.T) {
	path := disk(t)
	_, digest, err := manifest.DigestFile(path, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{input: image.Input{Disk: path}}
	parent, err := r.parent()
	if err != nil || *parent != (manifest.Parent{SHA256: digest}) {
		t.Errorf("%+v, %v", parent, err)
	}
	describe := func(sum string) {
		m := manifest.Manifest{Variant: "distribution", Files: []manifest.File{{Name: "disk.qcow2", Role: manifest.Disk, SHA256: sum}}}
		if _, err := manifest.Write(filepath.Dir(path), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	describe(digest)
	if parent, err = r.parent(); err != nil || parent.Variant != "distribution" {
		t.Errorf("%+v, %v", parent, err)
	}
	describe(strings.Repeat("ab", 32))
	if _, err = r.parent(); err == nil || !strings.Contains(err.Error(), "is not the disk that its manifest describes") {
		t.Error(err)
	}
}

// TestParentIsNotReadAgain: what was read when the input was described is
// enough, here a digest that no file has, until the disk changes.
func TestParentIsNotReadAgain(t *testing.T) {
	path, invented := disk(t), strings.Repeat("ab", 32)
	read, err := manifest.Read(path, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	m := manifest.Manifest{Variant: "distribution", Files: []manifest.File{{Name: "disk.qcow2", Role: manifest.Disk, SHA256: invented}}}
	if _, err := manifest.Write(filepath.Dir(path), m, nil); err != nil {
		t.Fatal(err)
	}
	read.SHA256 = invented
	r := &run{input: image.Input{Disk: path, Read: read}}
	if parent, err := r.parent(); err != nil || parent.SHA256 != invented {
		t.Errorf("it was read again: %+v, %v", parent, err)
	}
	if err := os.Truncate(path, read.Size+1); err != nil {
		t.Fatal(err)
	}
	if parent, err := r.parent(); err == nil || !strings.Contains(err.Error(), "is not the disk that its manifest describes") {
		t.Errorf("a disk that has changed: %+v, %v", parent, err)
	}
}
