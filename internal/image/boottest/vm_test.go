//go:build vm && long

package boottest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestFaultyImage boots a machine on which much is wrong: each fault fails the
// check that is for it, and no other check fails.
func TestFaultyImage(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image.qcow2")
	install(t, makeBase(t), image, "testdata/stub.sh", "testdata/faults.sh")
	before := digest(t, image)
	report, err := Run(t.Context(), Spec{
		Image: image, Variant: Distribution, Firmwares: []qemu.Firmware{qemu.BIOS},
		CPUs: 1, MemoryMiB: 1024, Evidence: t.TempDir(),
	}, event.Discard)
	want := []string{
		"page /grebe",
		"a search through GOlr",
		"refused: /solr/update",
		"refused: /solr/%75pdate",
		"refused: /solr/select/../update",
		"only what must be open is",
		"SSH takes no password",
		"no systemd unit failed",
		"only SSH and the web listen to others",
		"no certificate of the build is left",
		"what serves is confined",
		"what serves is tried again without end",
		"while GOlr is away, pages say so",
	}
	if diff := cmp.Diff(want, failedChecks(t, err)); diff != "" {
		t.Errorf("failed checks (-want +got):\n%s\n%v", diff, err)
	}
	if report.Facts.About.AmiGO.Version != "0.0.1" || len(report.Facts.Packages) < 100 {
		t.Errorf("facts: %+v", report.Facts.About)
	}
	if digest(t, image) != before {
		t.Error("the test has written to the image")
	}
}

func failedChecks(t *testing.T, err error) []string {
	t.Helper()
	var failed *FailedError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var names []string
	if failed != nil {
		for _, check := range failed.Failed {
			names = append(names, check.Name)
		}
	}
	return names
}

func digest(t *testing.T, path string) string {
	t.Helper()
	_, sum, err := manifest.DigestFile(path, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// makeBase makes a small machine with Apache, from the cache if it is there.
func makeBase(t *testing.T) string {
	t.Helper()
	c, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	spec := bootstrap.Spec{Distribution: "debian", Release: distro.Standard().Default, Architecture: "amd64", Packages: []string{"apache2"}, DiskSize: 2 << 30}
	plan, err := bootstrap.Resolve(t.Context(), c, spec)
	if err != nil {
		t.Fatal(err)
	}
	phase := event.Start(event.Discard, "base", "")
	rootFS, _, err := bootstrap.RootFS(t.Context(), c, plan, phase)
	if err != nil {
		t.Fatal(err)
	}
	disk, _, err := bootstrap.Disk(t.Context(), c, plan, rootFS, phase)
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// install makes image, an overlay on base that scripts have changed.
func install(t *testing.T, base, image string, scripts ...string) {
	t.Helper()
	if err := qemuimg.Overlay(t.Context(), base, "qcow2", image); err != nil {
		t.Fatal(err)
	}
	script := "{\n"
	for _, path := range scripts {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		script += string(content)
	}
	key, err := guest.NewKey("fixture")
	if err != nil {
		t.Fatal(err)
	}
	if err := change(t.Context(), image, key, script+seal.Script()+"} </dev/null\n"); err != nil {
		t.Fatal(err)
	}
}

func change(ctx context.Context, image string, key *guest.Key, script string) error {
	vm, err := machine.Start(ctx, qemu.Options{
		Disks: []qemu.Disk{{Path: image, Format: "qcow2", Scratch: true}}, CPUs: 1, MemoryMiB: 1024,
		Forward: []int{sshPort},
	}, key)
	if err != nil {
		return err
	}
	defer vm.Close()
	g, err := vm.Login(ctx, "root")
	if err != nil {
		return err
	}
	if _, err := g.Output(ctx, script); err != nil {
		return err
	}
	_, err = vm.ShutDown(ctx, vm.Button())
	return err
}
