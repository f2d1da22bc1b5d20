package bootstrap

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

var update = flag.Bool("update", false, "write the golden files")

// TestPlans: what mmdebstrap is asked for, of every release that there is a table for, with
// all that AmiGO needs: its arguments, the packages' names, the keys of the archive.
func TestPlans(t *testing.T) {
	for _, name := range distro.Names() {
		d, err := distro.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, release := range d.Releases {
			for architecture := range d.Architectures {
				t.Run(strings.Join([]string{name, release.Name, architecture}, "-"), func(t *testing.T) {
					golden(t, Spec{
						Distribution: name, Release: release.Name, Architecture: architecture,
						Needs: []string{distro.AmiGO, distro.Production},
					})
				})
			}
		}
	}
}

func golden(t *testing.T, s Spec) {
	t.Helper()
	var b strings.Builder
	g := guestOf(t, s)
	for _, suite := range g.suites() {
		fmt.Fprintln(&b, g.source("http://archive.example/", suite, strings.Join(g.Components, " ")))
	}
	for _, arg := range mmdebstrapArgs(s, packagesOf(t, s), "rootfs.tar", "sources.list") {
		if list, ok := strings.CutPrefix(arg, "--include="); ok {
			arg = "--include=\n  " + strings.ReplaceAll(list, ",", "\n  ")
		}
		if strings.HasPrefix(arg, "--customize-hook=") {
			arg = "--customize-hook=..."
		}
		fmt.Fprintln(&b, arg)
	}
	path := filepath.Join("testdata", strings.TrimPrefix(t.Name(), "TestPlans/")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}
