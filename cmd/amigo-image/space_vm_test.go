//go:build vm

package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// TestFullDisk pulls onto a disk without room: it says so, leaves nothing under
// a final name, and what it says to try works when there is room.
func TestFullDisk(t *testing.T) {
	p, s := newPerson(t), serveMoody(t, makeRepository(t))
	data := filepath.Join(p.home, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(data, 0) })
	parts := p.fails("amigo-image pull "+s.URL+" stable", fault.Space, "are needed and|the disk is full")
	p.hasNot("2026-11-15")
	if err := unix.Mount("", data, "", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	p.tries(parts)
}
