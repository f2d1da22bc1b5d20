//go:build vm

package production

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/seal"
	"github.com/geneontology/packer-plugin-amigo/post-processor/distribution"
)

type ui struct {
	packersdk.MockUi
	start time.Time
}

func (u *ui) Emit(e event.Event) {
	if e.Type == event.Progress {
		return
	}
	fmt.Printf("%6.1f %s %s %s %s\n", time.Since(u.start).Seconds(), e.Type, e.Phase, e.Status, e.Text)
}

type diskArtifact struct {
	packersdk.MockArtifact
	path string
}

func (d *diskArtifact) State(name string) any {
	switch name {
	case component.StateDisk:
		return d.path
	case component.StateAccelerator:
		return "tcg"
	}
	return nil
}

func stub(t *testing.T, base, path string) {
	ctx := t.Context()
	key, _ := guest.NewKey("x")
	if err := qemuimg.Overlay(ctx, base, "qcow2", path); err != nil {
		t.Fatal(err)
	}
	vm, err := qemu.Start(ctx, qemu.Options{Disks: []qemu.Disk{{Path: path, Format: "qcow2"}}, Forward: []int{22}, AuthorizedKey: key.AuthorizedKey, Console: path + ".log"})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	g, err := guest.Dial(ctx, vm.Addr(22), "root", key, 10*time.Minute, vm)
	if err != nil {
		t.Fatal(err)
	}
	script, _ := os.ReadFile("../../internal/boottest/testdata/stub.sh")
	if err := g.Run(ctx, string(script)+seal.Script, os.Stdout); err != nil {
		t.Fatal(err)
	}
	if err := vm.PowerDown(ctx, 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	_ = io.Discard
}

func TestTry(t *testing.T) {
	u := &ui{start: time.Now()}
	dir := os.Getenv("TRY_DIR")
	path := dir + "/stub.qcow2"
	if _, err := os.Stat(path); err != nil {
		stub(t, os.Getenv("TRY_BASE"), path)
		fmt.Println("stub", time.Since(u.start))
	}
	var d distribution.PostProcessor
	if err := d.Configure(map[string]any{"output_directory": dir + "/distribution", "keep_evidence": true}); err != nil {
		t.Fatal(err)
	}
	var a packersdk.Artifact
	var err error
	if _, statErr := os.Stat(dir + "/distribution"); statErr != nil {
		a, _, _, err = d.PostProcess(context.Background(), u, &diskArtifact{path: path})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(a, a.Files())
	} else {
		a = &diskArtifact{path: dir + "/distribution/amigo-distribution.qcow2"}
	}
	var p PostProcessor
	if err := p.Configure(map[string]any{"output_directory": dir + "/production", "keep_evidence": true}); err != nil {
		t.Fatal(err)
	}
	a, _, _, err = p.PostProcess(context.Background(), u, a)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(a, a.Files())
}
