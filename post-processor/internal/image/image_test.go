package image

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/delivery"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg/qemuimgtest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestFirmwares(t *testing.T) {
	var c delivery.Config
	c.Prepare("output/x", "x")
	if c.OutputDirectory != "output/x" || c.ImageName != "x" {
		t.Errorf("%+v", c)
	}
	for _, test := range []struct {
		arch arch.Arch
		set  []string
		want []qemu.Firmware // nil: refused
	}{
		{arch.AMD64, nil, []qemu.Firmware{qemu.BIOS, qemu.UEFI}},
		{arch.AMD64, []string{"uefi"}, []qemu.Firmware{qemu.UEFI}},
		{arch.ARM64, nil, []qemu.Firmware{qemu.UEFI}},
		{arch.ARM64, []string{"bios"}, nil},
	} {
		c.Firmwares = test.set
		got, err := Firmwares(c, test.arch)
		if !slices.Equal(got, test.want) || (err == nil) != (test.want != nil) {
			t.Errorf("%s, %q: %q, %v", test.arch.Name, test.set, got, err)
		}
	}
}

func qcow2(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.qcow2")
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", path, "1M"}}); err != nil {
		t.Fatal(err)
	}
	return path
}

func artifact(files []string, states map[string]any) packersdk.Artifact {
	return &packersdk.MockArtifact{FilesValue: files, StateValues: states, BuilderIdValue: "somebody's"}
}

func TestReadInput(t *testing.T) {
	disk := qcow2(t)
	data := map[string]any{"ID": "1"}
	input, err := ReadInput(t.Context(), artifact(nil, map[string]any{
		component.StateDisk: disk, component.StateBase: `{"release":"bookworm"}`, component.StateCPUs: "3",
		component.StateMemory: "many", component.StateAccelerator: "tcg", "generated_data": data,
	}))
	if err != nil || input.Disk != disk || string(input.Base) != `{"release":"bookworm"}` {
		t.Fatalf("%+v, %v", input, err)
	}
	machine, err := Machine(t.Context(), delivery.Config{}, input, event.Discard)
	if want := (deliver.Hardware{Arch: arch.AMD64, Accelerator: qemu.TCG, CPUs: 3, MemoryMiB: 2048}); err != nil || machine != want {
		t.Errorf("%+v, %v", machine, err)
	}
	_, err = Machine(t.Context(), delivery.Config{RequireAcceleration: true}, input, event.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "require_acceleration: ") {
		t.Error(err)
	}
	made := NewArtifact("amigo-x", "image", input, deliver.Delivery{Disk: "d", Read: manifest.Reading{Size: 1, SHA256: "ab"}, Files: []string{"d", "m"}})
	if made.State("generated_data") == nil || made.State(component.StateDisk) != "d" || made.Id() != "image@sha256:ab" {
		t.Errorf("%+v", made)
	}
	if got, want := readingOf(made), (manifest.Reading{Size: 1, SHA256: "ab"}); got != want {
		t.Errorf("the reading of its disk is %+v", got)
	}
}

// TestMemoryOfData: a machine has at least the memory that its data need, unless the
// template says how much.
func TestMemoryOfData(t *testing.T) {
	input, err := ReadInput(t.Context(), artifact(nil, map[string]any{
		component.StateDisk: qcow2(t), component.StateMemory: "2048", component.StateAccelerator: "tcg", component.StateData: `{"memory_mib": 3584}`,
	}))
	if err != nil || input.Data.Path != "" {
		t.Fatalf("%+v, %v", input, err)
	}
	for said, want := range map[int]int{0: 3584, 1024: 1024} {
		machine, err := Machine(t.Context(), delivery.Config{Memory: said}, input, event.Discard)
		if err != nil || machine.MemoryMiB != want {
			t.Errorf("%d: %+v, %v", said, machine, err)
		}
	}
}

// TestInputHasItsReading: who gets an artifact gets what was read of its disk.
func TestInputHasItsReading(t *testing.T) {
	disk := qcow2(t)
	read, err := manifest.Read(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	made := NewArtifact("amigo-x", "image", Input{}, deliver.Delivery{Disk: disk, Read: read})
	if input, err := ReadInput(t.Context(), made); err != nil || input.Read != read {
		t.Errorf("%+v, %v", input, err)
	}
	of := artifact([]string{disk}, map[string]any{component.StateReading: "no JSON"})
	if input, err := ReadInput(t.Context(), of); err != nil || input.Read != (manifest.Reading{}) {
		t.Errorf("of somebody else's: %+v, %v", input, err)
	}
}

func TestReadInputOfOthers(t *testing.T) {
	disk := qcow2(t)
	if input, err := ReadInput(t.Context(), artifact([]string{"x.log", disk}, nil)); err != nil || input.Disk != disk {
		t.Errorf("%+v, %v", input, err)
	}
	raw := filepath.Join(t.TempDir(), "raw.qcow2")
	if err := os.WriteFile(raw, make([]byte, 1024), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, files := range map[string][]string{
		"the artifact somebody's has no disk": {"a.iso"},
		"is not a qcow2 image, but raw":       {raw},
		"missing.qcow2":                       {"missing.qcow2"},
	} {
		if _, err := ReadInput(t.Context(), artifact(files, nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// What another builder made may name files of the host.
func TestReadInputRefuses(t *testing.T) {
	for name, path := range qemuimgtest.Hostile(t) {
		_, err := ReadInput(t.Context(), artifact([]string{path}, nil))
		if !errors.As(err, new(*qemuimg.RefusedError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDestroy(t *testing.T) {
	out, err := outdir.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	a := NewArtifact("x", "x", Input{}, deliver.Delivery{Dir: out.Final()})
	if err := a.Destroy(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(out.Final()); err == nil {
		t.Error("it is still there")
	}
}
