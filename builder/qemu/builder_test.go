package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg/qemuimgtest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func prepare(config map[string]any) (*Builder, error) {
	b := new(Builder)
	_, _, err := b.Prepare(map[string]any{"packer_build_name": "amigo"}, config)
	return b, err
}

func TestDefaults(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	c := b.config
	if c.Bootstrap.Release != "trixie" || c.diskSize != 8<<30 || c.OutputDirectory != "output-amigo" ||
		c.Comm.SSHUsername != "root" || !c.ownKey() {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff([]string{"kvm", "tcg"}, c.Accelerators); diff != "" {
		t.Error(diff)
	}
}

// TestUntried: what nobody has built is a warning and no fault.
func TestUntried(t *testing.T) {
	for name, want := range map[string]string{"debian": "[]", "ubuntu": "[nobody has built Ubuntu from its own archive yet (see docs/guests.md)]"} {
		_, warnings, err := new(Builder).Prepare(map[string]any{"packer_build_name": "amigo", "bootstrap": map[string]any{"distribution": name}})
		if err != nil || fmt.Sprint(warnings) != want {
			t.Errorf("%s: %q, %v", name, warnings, err)
		}
	}
}

// TestArchitecture: what follows from it, and what it does not have.
func TestArchitecture(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}, "architecture": "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	if c := b.config; c.Firmware != "uefi" || c.QemuBinary != "qemu-system-aarch64" || c.spec().Architecture != "arm64" {
		t.Errorf("got %+v", c)
	}
	for name, want := range map[string]string{
		"arm46": `architecture: "arm46" is not known (did you mean "arm64"?)`,
		"arm64": `firmware: no machine of arm64 boots with "bios"`,
	} {
		_, err := prepare(map[string]any{"bootstrap": map[string]any{}, "architecture": name, "firmware": "bios"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestConfigSpec: Packer knows the blocks and the types of their attributes.
func TestConfigSpec(t *testing.T) {
	types := hcldec.ImpliedType(new(Builder).ConfigSpec()).AttributeTypes()
	for name, want := range map[string]cty.Type{
		"disk_size": cty.String, "memory": cty.Number, "accelerators": cty.List(cty.String),
		"require_acceleration": cty.Bool, "ssh_timeout": cty.String,
		"disk_image": cty.Object(map[string]cty.Type{"url": cty.String, "checksum": cty.String}),
		"bootstrap": cty.Object(map[string]cty.Type{
			"distribution": cty.String, "release": cty.String, "needs": cty.List(cty.String), "packages": cty.List(cty.String), "mirror": cty.String,
			"repositories": cty.Map(cty.String),
		}),
	} {
		if got, ok := types[name]; !ok || !got.Equals(want) {
			t.Errorf("%s: %#v", name, got)
		}
	}
}

func TestPrepareTwice(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Prepare(map[string]any{"bootstrap": map[string]any{}, "packer_build_name": "amigo"}); err != nil {
		t.Error(err)
	}
}

func TestEveryFaultIsReported(t *testing.T) {
	_, err := prepare(map[string]any{
		"bootstrap": map[string]any{"release": "No Release"}, "disk_size": "large", "memory": 1, "cpus": -1,
		"firmware": "coreboot", "accelerators": []string{"hax"}, "communicator": "winrm",
		"winrm_username": "x", "unknown_option": 1,
	})
	if err == nil {
		t.Fatal("nothing was reported")
	}
	if !strings.Contains(err.Error(), "unknown_option") {
		t.Errorf("the unknown option is not in %v", err)
	}
	_, err = prepare(map[string]any{
		"bootstrap": map[string]any{"release": "No Release"}, "memory": 1, "cpus": -1, "architecture": "vax",
		"firmware": "coreboot", "accelerators": []string{"hax"}, "communicator": "none",
	})
	if err == nil {
		t.Fatal("nothing was reported")
	}
	for _, field := range []string{"release:", "architecture:", "memory:", "cpus:", "firmware:", "accelerators:", "communicator:"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not in %v", field, err)
		}
	}
}

func TestSourceIsOneOfTwo(t *testing.T) {
	if _, err := prepare(map[string]any{}); err == nil {
		t.Error("no source was taken")
	}
	image := map[string]any{"url": "disk.qcow2", "checksum": "none"}
	if _, err := prepare(map[string]any{"disk_image": image}); err != nil {
		t.Error(err)
	}
	if _, err := prepare(map[string]any{"disk_image": image, "bootstrap": map[string]any{}}); err == nil {
		t.Error("two sources were taken")
	}
	if _, err := prepare(map[string]any{"disk_image": map[string]any{"url": "disk.qcow2"}}); err == nil {
		t.Error("an image without a checksum was taken")
	}
}

func TestOutcome(t *testing.T) {
	broken := errors.New("broken")
	state := func(key string, value any) multistep.StateBag {
		bag := new(multistep.BasicStateBag)
		if key != "" {
			bag.Put(key, value)
		}
		return bag
	}
	dead, cancel := context.WithCancelCause(t.Context())
	cancel(&deadError{err: broken})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	tests := map[string]struct {
		ctx   context.Context //nolint:containedctx // it is the case
		state multistep.StateBag
		want  error
	}{
		"success":           {t.Context(), state("", nil), nil},
		"a step's error":    {t.Context(), state("error", broken), broken},
		"the machine died":  {dead, state("error", errors.New("ssh is gone")), broken},
		"Ctrl-C":            {stopped, state("", nil), context.Canceled},
		"cancelled by core": {t.Context(), state(multistep.StateCancelled, true), context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := outcome(test.ctx, test.state)
			if test.want == nil && got != nil || !errors.Is(got, test.want) && !isDead(got, test.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func isDead(err, cause error) bool {
	var dead *deadError
	return errors.As(err, &dead) && errors.Is(dead.err, cause)
}

func TestWrongChecksumHasItsStatus(t *testing.T) {
	var f *fault.Error
	if err := explain(errors.New("Checksums did not match for x")); !errors.As(err, &f) || f.Code != fault.Verify {
		t.Errorf("got %v", err)
	}
}

func TestArtifactHasNoSecrets(t *testing.T) {
	bag := new(multistep.BasicStateBag)
	bag.Put("generated_data", map[string]any{"SSHPrivateKey": "secret", "Password": "secret", "Port": 1})
	b := &build{config: &Config{}, finished: artifactFiles{"/o/amigo.qcow2"}}
	artifact := b.artifact(bag)
	data := artifact.State("generated_data").(map[string]any)
	if diff := cmp.Diff(map[string]any{"Port": 1}, data); diff != "" {
		t.Error(diff)
	}
	if artifact.State(component.StateDisk) != "/o/amigo.qcow2" {
		t.Errorf("the disk is %v", artifact.State(component.StateDisk))
	}
}

func TestFingerprintOfAnImage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk.qcow2")
	if err := os.WriteFile(file, []byte("a disk"), 0o644); err != nil {
		t.Fatal(err)
	}
	const url = "https://images.example.org/disk.qcow2"
	for name, test := range map[string]struct {
		url, checksum string
		known         bool
	}{
		"a file":                {file, "none", true},
		"a URL":                 {url, "none", false},
		"a URL with a checksum": {url, "sha256:00", true},
	} {
		b, err := prepare(map[string]any{"disk_image": map[string]any{"url": test.url, "checksum": test.checksum}})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := foresee(t, b)
		if err != nil || (sum != "") != test.known {
			t.Errorf("%s: %q, %v", name, sum, err)
		}
	}
}

// A disk_image that names files of the host is not opened.
func TestHostileDiskImages(t *testing.T) {
	raw := map[string]bool{"no image": true, "nothing": true}
	for name, path := range qemuimgtest.Hostile(t) {
		out, err := outdir.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		s := stepMakeBase{&build{sink: event.Discard, config: &Config{}, output: out}}
		_, err = s.image(t.Context(), path)
		if refused := errors.As(err, new(*qemuimg.RefusedError)); refused == raw[name] {
			t.Errorf("%s: %v", name, err)
		}
		if err := out.Discard(); err != nil {
			t.Error(err)
		}
	}
}
