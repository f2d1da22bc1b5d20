package bootstrap

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// TestForeign: what a host lacks that can't run another architecture's programs is told,
// and its own needs nothing.
func TestForeign(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := CheckForeign(t.Context(), runtime.GOARCH); err != nil {
		t.Error(err)
	}
	missing := (*command.MissingError)(nil)
	if err := CheckForeign(t.Context(), "m68k"); !errors.As(err, &missing) || missing.Package != "arch-test" {
		t.Error(err)
	}
	answer := func(status string) {
		t.Helper()
		dir := t.TempDir()
		t.Setenv("PATH", dir)
		if err := executable.Write(filepath.Join(dir, "arch-test"), []byte("#!/bin/sh\nexit "+status+"\n")); err != nil {
			t.Fatal(err)
		}
	}
	answer("1")
	foreign := (*ForeignError)(nil)
	if err := CheckForeign(t.Context(), "m68k"); !errors.As(err, &foreign) {
		t.Error(err)
	}
	for mounted, action := range map[bool]fault.Action{true: fault.Install, false: fault.MountBinfmt} {
		report := fault.Of(&ForeignError{Architecture: "m68k", Mounted: mounted})
		if report.Try.Action != action || report.Code != fault.Host {
			t.Errorf("%+v", report)
		}
	}
	answer("0")
	if err := CheckForeign(t.Context(), "m68k"); err != nil {
		t.Error(err)
	}
}
