package qemuimg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg/qemuimgtest"
)

func TestInspectRefuses(t *testing.T) {
	for name, path := range qemuimgtest.Hostile(t) {
		_, err := Inspect(t.Context(), path, "qcow2")
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "one whole file") || strings.Contains(err.Error(), qemuimgtest.Secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A disk image whose format nobody gave is one of two, by its own first bytes.
func TestInspectWithoutAFormat(t *testing.T) {
	raw := map[string]bool{"no image": true, "nothing": true}
	for name, path := range qemuimgtest.Hostile(t) {
		image, err := Inspect(t.Context(), path, "")
		switch {
		case raw[name] && (err != nil || image.Format != "raw"):
			t.Errorf("%s: %+v, %v", name, image, err)
		case !raw[name] && !errors.As(err, new(*RefusedError)):
			t.Errorf("%s: %+v, %v", name, image, err)
		}
	}
}

// Every kind of qcow2 that qemu-img makes by itself passes, in files with names
// that QEMU would read as something else.
func TestInspectTakes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for i, options := range [][]string{
		nil, {"-o", "compat=0.10"}, {"-o", "compression_type=zstd"}, {"-o", "extended_l2=on"}, {"-o", "cluster_size=512"},
		{"-o", "lazy_refcounts=on"}, {"-o", "cluster_size=2M,preallocation=metadata"},
	} {
		for _, name := range []string{"plain.qcow2", "nbd:x.qcow2", "json:{}.qcow2", "-o.qcow2", "a,b=c d%20ü.qcow2"} {
			args := append([]string{"create", "-q", "-f", "qcow2"}, options...)
			run(t, append(args, filepath.Join(dir, name), "8M")...)
			image, err := Inspect(t.Context(), name, "qcow2")
			if err != nil || image.Format != "qcow2" || image.VirtualSize != 8<<20 {
				t.Errorf("%d, %s: %+v, %v", i, name, image, err)
			}
		}
	}
}

// What a guest writes at the beginning of its raw disk is its own.
func TestRawDiskThatLooksLikeAnother(t *testing.T) {
	path := qemuimgtest.Hostile(t)["a backing file"]
	image, err := Inspect(t.Context(), path, "raw")
	if err != nil || image.Format != "raw" || image.BackingFile != "" {
		t.Errorf("%+v, %v", image, err)
	}
	target := filepath.Join(t.TempDir(), "out.raw")
	if err := Convert(t.Context(), Conversion{Source: path, SourceFormat: "raw", Target: target, TargetFormat: "raw"}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(target)
	if err != nil || strings.Contains(string(content), qemuimgtest.Secret) {
		t.Errorf("the host's file was read: %v", err)
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		t.Fatal(err)
	}
}

// FuzzHeader holds that what passes names no other file, as qemu-img sees it.
func FuzzHeader(f *testing.F) {
	for _, path := range qemuimgtest.Hostile(f) {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content[:min(len(content), 1024)])
	}
	f.Fuzz(func(t *testing.T, begin []byte) {
		if sniff(begin) != "qcow2" || refuse(begin) != "" {
			return
		}
		path := filepath.Join(t.TempDir(), "x.qcow2")
		if err := os.WriteFile(path, begin, 0o600); err != nil {
			t.Fatal(err)
		}
		image, err := info(t.Context(), path, "qcow2")
		if err == nil && (image.BackingFile != "" || image.Specific.Data.DataFile != "") {
			t.Errorf("%+v", image)
		}
	})
}
