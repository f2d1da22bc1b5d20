package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// blank makes a disk that nothing boots from.
func blank(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.qcow2")
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", path, "4M"}}); err != nil {
		t.Fatal(err)
	}
	return path
}

func newOut(t *testing.T) *outdir.Dir {
	t.Helper()
	out, err := outdir.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Discard() })
	return out
}

func order(source string, ssh time.Duration) Order {
	return Order{
		Name: "amigo", Variant: boottest.Distribution, Source: source, Format: "qcow2",
		Machine: Hardware{Accelerator: qemu.TCG, CPUs: 1, MemoryMiB: 64}, Firmwares: []qemu.Firmware{qemu.BIOS},
		Limits: machine.Limits{SSH: ssh},
	}
}

// siblings returns the names beside the final directory.
func siblings(t *testing.T, out *outdir.Dir) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(out.Final()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// TestFailedTest: an image that never answers is not there afterwards, and
// what was seen of it is.
func TestFailedTest(t *testing.T) {
	out := newOut(t)
	_, err := Run(t.Context(), order(blank(t), 2*time.Second), out, event.Discard)
	var failed *boottest.FailedError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	if err := out.Discard(); err != nil {
		t.Fatal(err)
	}
	names := siblings(t, out)
	if len(names) != 1 || filepath.Join(filepath.Dir(out.Final()), names[0]) != failed.Evidence {
		t.Errorf("there is %q, the error says %s", names, failed.Evidence)
	}
	for _, name := range []string{"report.json", "bios/console.log", "bios/screen.png"} {
		if info, err := os.Stat(filepath.Join(failed.Evidence, name)); err != nil || (info.Size() == 0 && name != "bios/console.log") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, want := range []string{"it boots and answers SSH", "did not answer ssh", failed.Evidence} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// TestKeptErrorStays: where the evidence goes is known before the test, so that
// nobody writes into the error of a test that failed.
func TestKeptErrorStays(t *testing.T) {
	out := newOut(t)
	if err := os.Mkdir(out.Path(EvidenceDir), 0o755); err != nil {
		t.Fatal(err)
	}
	failed := &boottest.FailedError{Evidence: "/where/it/was/told"}
	if err := KeepEvidence(t.Context(), out, EvidencePlace(out), failed); !errors.Is(err, failed) || failed.Evidence != "/where/it/was/told" {
		t.Errorf("got %v", err)
	}
	if names := siblings(t, out); len(names) != 2 { // the partial directory, and the evidence
		t.Errorf("there is %q", names)
	}
}

// TestStopped: whoever stops a test gets no evidence and no directory.
func TestStopped(t *testing.T) {
	out := newOut(t)
	ctx, stop := context.WithCancelCause(t.Context())
	reason := errors.New("Ctrl-C")
	_, err := Run(ctx, order(blank(t), time.Minute), out, stopper{at: boottest.Phase, stop: func() { stop(reason) }})
	if !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
	if err := out.Discard(); err != nil {
		t.Fatal(err)
	}
	if names := siblings(t, out); len(names) != 0 {
		t.Errorf("there is %q", names)
	}
}

// stopper stops a run shortly after a phase has begun.
type stopper struct {
	at   string
	stop func()
}

func (s stopper) Emit(e event.Event) {
	if e.Type == event.PhaseStart && e.Phase == s.at {
		time.AfterFunc(500*time.Millisecond, s.stop)
	}
}

func TestDamagedSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "source.qcow2")
	if err := os.WriteFile(path, []byte("no disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), order(path, time.Second), newOut(t), event.Discard); err == nil || !strings.Contains(err.Error(), "source.qcow2") {
		t.Errorf("got %v", err)
	}
}

func TestFinish(t *testing.T) {
	out, o := newOut(t), order("", 0)
	o.Base, o.Parent = json.RawMessage(`{"release":"bookworm"}`), &manifest.Parent{SHA256: strings.Repeat("ab", 32)}
	if err := os.Rename(blank(t), out.Path("amigo.qcow2")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(out.Path(EvidenceDir, "bios"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.json", "bios/screen.png"} {
		if err := os.WriteFile(out.Path(EvidenceDir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var report boottest.Report
	report.Facts.About.AmiGO.Version, report.Facts.About.AmiGO.Source = "2.5.17", "https://me:secret@example.org/amigo"
	report.Facts.Packages = []manifest.Package{{Name: "perl", Version: "5.36", Architecture: "amd64"}}
	report.Facts.Changelogs = []manifest.Changelog{{Source: "perl", Version: "5.36", Oldest: "5.30", Packages: []string{"perl"}}}
	report.Facts.Commits = []manifest.Commit{{ID: strings.Repeat("ab", 20), Date: "2026-02-03", Subject: "first"}}
	delivery, err := o.finish(t.Context(), out, report, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range delivery.Files {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
		names = append(names, filepath.Base(file))
	}
	if want := []string{"amigo.qcow2", "packages.txt", "manifest.json", "SHA256SUMS", "boot-test.json", "screen.png", "cves.txt", "commits.txt"}; !slices.Equal(names, want) {
		t.Errorf("files %q", names)
	}
	m, err := manifest.ReadFile(filepath.Join(delivery.Dir, manifest.FileName))
	if err != nil || m.AmiGO.Source != "https://example.org/amigo" || m.Files[0].VirtualSize != 4<<20 || m.Files[0].SHA256 != delivery.Read.SHA256 {
		t.Errorf("%v: %+v", err, m)
	}
	if now, err := delivery.Read.Of(delivery.Disk, nil); err != nil || now != delivery.Read {
		t.Errorf("the disk is not known to be as it was read: %+v, %v", now, err)
	}
	if _, err := os.Stat(filepath.Join(delivery.Dir, EvidenceDir)); err == nil {
		t.Error("the evidence of a passed test is kept")
	}
}
