package bootstrap

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

var update = flag.Bool("update", false, "write the golden files")

// TestPlans: what mmdebstrap, dnf or zypper is asked for, of every release that there is a table for, with
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
					needs := []string{distro.AmiGO}
					if len(d.Packages.Production) > 0 {
						needs = append(needs, distro.Production)
					}
					golden(t, Spec{Distribution: name, Release: release.Name, Architecture: architecture, Needs: needs})
				})
			}
		}
	}
}

// planned is what is asked of the tool that installs RPM packages.
func (r rpms) planned(g guest, packages []string) string {
	s := session{guest: g, repositories: g.repositories(Spec{}), work: "$WORK", cache: "$CACHE"}
	var b strings.Builder
	files := r.tool.files(s)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".py") {
			fmt.Fprintf(&b, "== %s\n%s", name, files[name])
		}
	}
	fmt.Fprintf(&b, "== install\n%s\n== packages\n%s\n", r.tool.install(), strings.Join(packages, "\n"))
	return b.String()
}

// planned is what is asked of mmdebstrap.
func (debs) planned(g guest, s Spec, packages []string) string {
	var b strings.Builder
	for _, suite := range g.suites() {
		fmt.Fprintln(&b, g.source("http://archive.example/", suite, strings.Join(g.Components, " ")))
	}
	for _, arg := range mmdebstrapArgs(s, packages, "rootfs.tar", "sources.list") {
		if list, ok := strings.CutPrefix(arg, "--include="); ok {
			arg = "--include=\n  " + strings.ReplaceAll(list, ",", "\n  ")
		}
		if strings.HasPrefix(arg, "--customize-hook=") {
			arg = "--customize-hook=..."
		}
		fmt.Fprintln(&b, arg)
	}
	return b.String()
}

func golden(t *testing.T, s Spec) {
	t.Helper()
	g := guestOf(t, s)
	var got string
	switch from := g.archive().(type) {
	case rpms:
		got = from.planned(g, packagesOf(t, s))
	case debs:
		got = from.planned(g, s, packagesOf(t, s))
	}
	path := filepath.Join("testdata", strings.TrimPrefix(t.Name(), "TestPlans/")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}
