package bootstrap

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

var bookworm = Spec{Distribution: "debian", Release: "bookworm", Architecture: "amd64", DiskSize: minDiskSize}

// keyring is where a host has the keys of Debian's archive.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// guestOf is what a spec asks for.
func guestOf(t *testing.T, s Spec) guest {
	t.Helper()
	g, err := s.guest()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// packagesOf are all packages of a spec.
func packagesOf(t *testing.T, s Spec) []string {
	t.Helper()
	packages, err := s.packages()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// newArchive makes a package archive that has every package a base needs at one
// version, those beyond, and one that is recommended only. It returns its line
// in a sources.list.
func newArchive(t *testing.T, dir, version string, beyond ...string) []string {
	t.Helper()
	var list strings.Builder
	for _, name := range append(packagesOf(t, bookworm), append(beyond, "apt", "base-files", "recommended")...) {
		fmt.Fprintf(&list, "Package: %[1]s\nVersion: %[2]s\nArchitecture: amd64\nMaintainer: x\nFilename: %[1]s.deb\nSize: 1\nSHA256: %064[3]d\nDescription: x\n", name, version, 0)
		if name == "base-files" {
			list.WriteString("Essential: yes\nRecommends: recommended\n")
		}
		list.WriteString("\n")
	}
	sum := sha256.Sum256([]byte(list.String()))
	const below = "main/binary-amd64/Packages"
	release := fmt.Sprintf("Codename: bookworm\nSuite: stable\nComponents: main\nArchitectures: amd64\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n %x %d %s\n", sum, list.Len(), below)
	for name, text := range map[string]string{below: list.String(), "Release": release} {
		write(t, filepath.Join(dir, "dists", "bookworm", name), text)
	}
	return []string{"deb [trusted=yes] file://" + dir + " bookworm main"}
}

// resolveFrom asks the archives that the lines of a sources.list name.
func resolveFrom(t *testing.T, c cache.Dir, s Spec, lines []string) (Resolution, error) {
	t.Helper()
	plan := Resolution{Spec: s, Sources: lines}
	var err error
	plan.Packages, err = debs{}.resolve(t.Context(), c, plan)
	slices.SortFunc(plan.Packages, Package.compare)
	return plan, err
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestResolve asks an archive by apt-get: for every package of a base, at the
// version that the archive has now.
func TestResolve(t *testing.T) {
	store, dir, spec := cache.At(t.TempDir()), t.TempDir(), bookworm
	spec.Packages = []string{"apache2"}
	var plans []Resolution
	for _, version := range []string{"1.0-1", "1.0-1", "1.0-1+deb12u1"} {
		plan, err := resolveFrom(t, store, spec, newArchive(t, dir, version, "apache2", "unwanted"))
		if err != nil {
			t.Fatal(err)
		}
		var want []Package
		for _, name := range append(packagesOf(t, spec), "apt", "base-files") {
			want = append(want, Package{Name: name, Version: version})
		}
		slices.SortFunc(want, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
		if diff := cmp.Diff(want, plan.Packages); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		plans = append(plans, plan)
	}
	if plans[0].Key() != plans[1].Key() || plans[0].Key() == plans[2].Key() {
		t.Error("a plan's key is not that of its packages")
	}
	simulations, err := filepath.Glob(filepath.Join(store.Path(), "plan", "*", planName))
	if err != nil || len(simulations) != 2 {
		t.Errorf("apt-get was asked for %q", simulations)
	}
}

// TestResolveFails: an archive that cannot be reached is another matter than
// one that lacks a package.
func TestResolveFails(t *testing.T) {
	store, dir := cache.At(t.TempDir()), t.TempDir()
	_, err := resolveFrom(t, store, bookworm, []string{"deb [trusted=yes] file://" + dir + "/missing bookworm main"})
	var unreachable *UnreachableError
	var exit *command.ExitError
	if !errors.As(err, &unreachable) || !errors.As(err, &exit) || !strings.Contains(err.Error(), "the package archive of bookworm can't be used: apt-get: ") {
		t.Fatalf("%v", err)
	}
	if report := fault.Of(err); report.Code != fault.Network || report.Try.Action != fault.UpdateLists {
		t.Errorf("%+v", report)
	}
	spec := bookworm
	spec.Packages = []string{"misspelt"}
	_, err = resolveFrom(t, store, spec, newArchive(t, dir, "1"))
	if err == nil || errors.As(err, &unreachable) || err.Error() != "bookworm has no package called misspelt for amd64" {
		t.Errorf("%v", err)
	}
	spec = bookworm
	spec.Architecture = "arm64"
	_, err = resolveFrom(t, store, spec, newArchive(t, dir, "1"))
	if lacks := (*LacksError)(nil); !errors.As(err, &lacks) || err.Error() != "the package archive has nothing of bookworm for arm64 (try: another mirror)" {
		t.Errorf("%v", err)
	}
}

// hostSources lets apt-get and mmdebstrap take the lines for the host's sources.
func hostSources(t *testing.T, lines ...string) {
	t.Helper()
	dir := t.TempDir()
	list, config := filepath.Join(dir, "sources.list"), filepath.Join(dir, "apt.conf")
	write(t, list, strings.Join(lines, "\n")+"\n")
	write(t, config, fmt.Sprintf("Dir::Etc::SourceList %q;\nDir::Etc::SourceParts \"/dev/null\";\n", list))
	t.Setenv("APT_CONFIG", config)
}

// TestSources: an image gets the host's sources of its release and Debian's of
// what the host has none of.
func TestSources(t *testing.T) {
	const (
		signed   = "deb [signed-by=" + keyring + "] "
		base     = "http://deb.example/debian/ bookworm main"
		security = "http://deb.example/debian-security/ bookworm-security main"
		vendor   = "deb http://vendor.example/node nodistro main"
	)
	mirrored := bookworm
	mirrored.Mirror = "http://mirror.example/debian"
	for name, c := range map[string]struct {
		spec Spec
		host []string
		want []string // beginnings of lines
	}{
		"all of the host's": {bookworm, []string{"deb " + base, "deb " + security, vendor}, []string{signed + base, signed + security}},
		"a mirror":          {mirrored, []string{"deb " + base, "deb " + security}, []string{signed + mirrored.Mirror + " bookworm main", signed + security}},
		"no security fixes": {bookworm, []string{"deb " + base}, []string{signed + base, signed + "http"}},
		"nothing of Debian": {bookworm, []string{vendor}, []string{signed + "http", signed + "http", signed + "http"}},
	} {
		hostSources(t, c.host...)
		got, err := debs{}.sources(t.Context(), c.spec)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) || !slices.ContainsFunc(got, isSuite("bookworm-security")) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOwnSources: a host that has no sources for a distribution gets all of its components,
// from where its architecture is.
func TestOwnSources(t *testing.T) {
	archives := map[string]bool{}
	for _, architecture := range []string{"amd64", "arm64"} {
		g := guestOf(t, Spec{Distribution: "ubuntu", Release: "noble", Architecture: architecture})
		lines, err := g.ownSources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{" noble main universe", " noble-updates main universe", " noble-security main universe"} {
			if len(lines) != 3 || !strings.HasSuffix(lines[i], want) || !strings.Contains(lines[i], "signed-by="+g.Keyring.File) {
				t.Errorf("%s: %q", architecture, lines)
			}
		}
		archives[lines[0]] = true
	}
	if len(archives) != 2 {
		t.Errorf("both architectures come from %v", archives)
	}
}

// TestSourcesFail: an image gets no source that holds a password, and a host
// without apt is told what it lacks.
func TestSourcesFail(t *testing.T) {
	hostSources(t, "deb http://bob:s3cret@deb.example/debian bookworm main")
	_, err := debs{}.sources(t.Context(), bookworm)
	if err == nil || !strings.Contains(err.Error(), "this host's apt sources: ") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	missing := new(command.MissingError)
	if _, err := Resolve(t.Context(), cache.At(t.TempDir()), bookworm); !errors.As(err, &missing) || missing.Name != "apt-get" {
		t.Errorf("a host without apt: %v", err)
	}
}
