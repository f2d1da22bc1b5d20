package production

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// process makes a production image of a guest of a few instructions, as far as
// that goes. It returns the names beside the output directory.
func process(ctx context.Context, t *testing.T, guest qemutest.BootSector, sink event.Sink) ([]string, error) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	parent, source := t.TempDir(), qemutest.Disk(t, guest)
	before := digest(t, source)
	p := configured(t, map[string]any{
		"output_directory": filepath.Join(parent, "production"), "accelerators": []string{"tcg"}, "memory": 256, "cpus": 1,
	})
	_, err := p.process(ctx, sink, &packersdk.MockArtifact{StateValues: map[string]any{component.StateDisk: source}})
	if digest(t, source) != before {
		t.Error("the distribution image has changed")
	}
	entries, failed := os.ReadDir(parent)
	if failed != nil {
		t.Fatal(failed)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, filepath.Join(parent, entry.Name()))
	}
	return names, err
}

func digest(t *testing.T, path string) string {
	t.Helper()
	_, sum, err := manifest.DigestFile(path, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestMachineThatShutsDown: a machine that does not live to be changed leaves
// its console and no image, and the error says where.
func TestMachineThatShutsDown(t *testing.T) {
	left, err := process(t.Context(), t, qemutest.Brief, event.Discard)
	if err == nil || !strings.Contains(err.Error(), "the virtual machine has shut down") {
		t.Fatalf("got %v", err)
	}
	if len(left) != 1 || !strings.Contains(err.Error(), "(evidence: "+left[0]+")") {
		t.Fatalf("%q is left: %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(left[0], "harden-console.log")); err != nil {
		t.Error(err)
	}
}

// stopper stops a run when a phase begins.
type stopper struct {
	at   string
	stop context.CancelCauseFunc
	why  error
}

func (s stopper) Emit(e event.Event) {
	if e.Type == event.PhaseStart && e.Phase == s.at {
		s.stop(s.why)
	}
}

// TestStopped: who ends a run by hand gets no image and no evidence.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	left, err := process(ctx, t, qemutest.Deaf, stopper{"boot", stop, why})
	if !errors.Is(err, why) || len(left) > 0 {
		t.Errorf("%q is left: %v", left, err)
	}
}

// TestUnusableInput: what is not a disk, and a manifest that can't be read, end
// a run before a machine starts.
func TestUnusableInput(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	out := filepath.Join(t.TempDir(), "production")
	spoilt := disk(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(spoilt), manifest.FileName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/nowhere.qcow2": "/nowhere.qcow2", spoilt: manifest.FileName} {
		p := configured(t, map[string]any{"output_directory": out, "accelerators": []string{"tcg"}})
		input := &packersdk.MockArtifact{StateValues: map[string]any{component.StateDisk: path}}
		made, _, _, err := p.PostProcess(t.Context(), packersdk.TestUi(t), input)
		if made != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", path, made, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: there is an image", path)
		}
	}
}
