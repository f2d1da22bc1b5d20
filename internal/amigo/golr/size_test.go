package golr

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMemory(t *testing.T) {
	for size, want := range map[int64][2]int{
		0:             {512, 2048},
		1 << 30:       {512, 2048},
		77 << 30 / 10: {1792, 3968},
		50 << 30:      {10240, 16640},
		1 << 40:       {31 * 1024, 48896},
	} {
		if heap := Heap(size); heap != want[0] || Machine(heap) != want[1] {
			t.Errorf("%d: %d, %d", size, heap, Machine(heap))
		}
	}
	for text, want := range map[string]int{"512m": 512, "4g": 4096, "10G": 10240, "": 512} {
		if got := HeapMiB(text); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func TestSizeOf(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "_1.fdt"), make([]byte, 123), 0o644); err != nil {
		t.Fatal(err)
	}
	if size, err := sizeOf(dir); err != nil || size != 123 {
		t.Errorf("%d, %v", size, err)
	}
	if _, err := sizeOf(dir + "/none"); err == nil {
		t.Error("a directory that is not there has a size")
	}
}
