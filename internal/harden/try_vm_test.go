//go:build vm

package harden

import (
	"os"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/qemu"
)

func TestTry(t *testing.T) {
	ctx := t.Context()
	key, _ := guest.NewKey("x")
	vm, err := qemu.Start(ctx, qemu.Options{Disks: []qemu.Disk{{Path: os.Getenv("TRY_IMAGE"), Format: "qcow2", Snapshot: true}}, Forward: []int{22}, AuthorizedKey: key.AuthorizedKey})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	g, err := guest.Dial(ctx, vm.Addr(22), "root", key, 10*time.Minute, vm)
	if err != nil {
		t.Fatal(err)
	}
	script, _ := os.ReadFile(os.Getenv("TRY_SCRIPT"))
	if err := g.Run(ctx, string(script), os.Stdout); err != nil {
		t.Fatal(err)
	}
}
