package bootstrap

import (
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// TestForeign: what a host lacks that can't run another architecture's programs is told,
// and its own needs nothing.
func TestForeign(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := CheckForeign(t.Context(), runtime.GOARCH); err != nil {
		t.Error(err)
	}
	foreign := arch.Foreign()[0].Name
	missing := (*command.MissingError)(nil)
	if err := CheckForeign(t.Context(), foreign); !errors.As(err, &missing) || missing.Package != "arch-test" {
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
	refused := (*ForeignError)(nil)
	if err := CheckForeign(t.Context(), foreign); !errors.As(err, &refused) {
		t.Error(err)
	}
	for want, e := range map[string]ForeignError{
		"apt-get install qemu-user-static binfmt-support":           {},
		"mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc": {Installed: true},
		"update-binfmts --enable":                                   {Installed: true, Mounted: true},
	} {
		if report := fault.Of(&e); report.Code != fault.Host || !slices.Equal(report.Try.On, []string{want}) {
			t.Errorf("%+v: %+v", e, report)
		}
	}
	answer("0")
	if err := CheckForeign(t.Context(), foreign); err != nil {
		t.Error(err)
	}
}
