package bootstrap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelectSources(t *testing.T) {
	const targets = `http://deb.example/debian/ bookworm main amd64
http://deb.example/debian/ bookworm main all
http://deb.example/debian/ bookworm contrib amd64
http://deb.example/debian-security/ bookworm-security main amd64
http://deb.example/debian/ bookworm-backports main amd64
http://deb.example/debian/ trixie main amd64
http://vendor.example/node/ nodistro main amd64
not a target
`
	want := []string{
		"deb [signed-by=" + keyring + "] http://deb.example/debian/ bookworm main",
		"deb [signed-by=" + keyring + "] http://deb.example/debian/ bookworm contrib",
		"deb [signed-by=" + keyring + "] http://deb.example/debian-security/ bookworm-security main",
	}
	if diff := cmp.Diff(want, guestOf(t, bookworm).selectSources(targets)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseSources(t *testing.T) {
	const list = `deb http://deb.example/debian bookworm main
# deb http://deb.example/debian bookworm-backports main
deb-src http://deb.example/debian bookworm main
deb [signed-by="/usr/share/keyrings/other.gpg" arch=amd64] http://deb.example/debian-security bookworm-security main contrib
deb http://deb.example/debian
`
	want := []string{
		"deb [signed-by=" + keyring + "] http://deb.example/debian bookworm main",
		"deb [signed-by=" + keyring + "] http://deb.example/debian-security bookworm-security main contrib",
	}
	if diff := cmp.Diff(want, guestOf(t, bookworm).parseSources(list)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestComplete(t *testing.T) {
	const base, security = "deb [signed-by=k] http://deb.example/debian trixie main", "deb [signed-by=k] http://deb.example/debian-security trixie-security main"
	const own = "deb [signed-by=k] http://mirror.example/debian trixie main"
	debian := []string{base, security}
	for name, c := range map[string]struct{ lines, want []string }{
		"no source at all":  {nil, debian},
		"no security fixes": {[]string{own}, []string{own, security}},
	} {
		if diff := cmp.Diff(c.want, complete(c.lines, debian, "trixie-security")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func FuzzParseSources(f *testing.F) {
	f.Add("deb http://deb.example/debian bookworm main\n")
	f.Add("deb [signed-by=\"/x\"] http://deb.example/debian bookworm main")
	f.Fuzz(func(t *testing.T, list string) {
		for _, line := range guestOf(t, bookworm).parseSources(list) {
			if !strings.HasPrefix(line, "deb [signed-by="+keyring+"] ") || len(strings.Fields(line)) < 5 || strings.Contains(line, "\n") {
				t.Errorf("%q gave %q", list, line)
			}
		}
	})
}

const simulation = `Reading package lists...
Inst gcc-12-base (12.2.0-14 Debian:12.5/stable [amd64])
Inst base-files (12.4+deb12u5 Debian:12.5/stable [amd64]) []
Conf base-files (12.4+deb12u5 Debian:12.5/stable [amd64])
`

func TestParseSimulation(t *testing.T) {
	want := []Package{{"gcc-12-base", "12.2.0-14"}, {"base-files", "12.4+deb12u5"}}
	if diff := cmp.Diff(want, parseSimulation(simulation)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzParseSimulation(f *testing.F) {
	f.Add(simulation)
	f.Add("Inst x (")
	f.Fuzz(func(t *testing.T, out string) {
		for _, p := range parseSimulation(out) {
			if p.Name == "" || p.Version == "" || strings.ContainsAny(p.Name+p.Version, " \n") {
				t.Errorf("%q gave %+v", out, p)
			}
		}
	})
}

func TestKeyDependsOnVersions(t *testing.T) {
	a := Resolution{Packages: []Package{{"a", "1"}, {"b", "2"}}}
	b := Resolution{Packages: []Package{{"a", "1"}, {"b", "3"}}}
	if a.Key() == b.Key() {
		t.Error("another version gave the same key")
	}
	if a.Key() != (Resolution{Packages: []Package{{"a", "1"}, {"b", "2"}}}).Key() {
		t.Error("the same versions gave another key")
	}
}

func TestValidateReportsEveryFault(t *testing.T) {
	bad := Spec{Mirror: "http://x/debian main\ndeb http://y", Packages: []string{"ok", "not ok"}, DiskSize: 1}
	for _, c := range []struct {
		distribution, release, architecture string
		want                                []string
	}{
		{"debain", "trixie", "amd64", []string{`Distribution: "debain" is not known (did you mean "debian"?)`}},
		{"debian", "trixy", "x86", []string{`Release: "trixy" is not known (did you mean "trixie"?)`, `Architecture: "x86" is not known (known: amd64, arm64)`}},
	} {
		s := bad
		s.Distribution, s.Release, s.Architecture = c.distribution, c.release, c.architecture
		err := s.Validate()
		if err == nil {
			t.Fatal("no fault was found")
		}
		for _, want := range append(c.want, "Mirror:", "Packages:", "DiskSize:") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s is not in %q", want, err)
			}
		}
	}
}

// A secret in the address of an archive would be in the image.
func TestMirrorWithSecret(t *testing.T) {
	s := Spec{Distribution: "debian", Release: "bookworm", Architecture: "amd64", Mirror: "https://bob:s3cret@mirror.example/debian", DiskSize: 8 << 30}
	err := s.Validate()
	if err == nil || !strings.HasPrefix(err.Error(), "Mirror: ") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
	s.Mirror = "https://mirror.example/debian"
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

func TestPackages(t *testing.T) {
	const cloud = "linux-image-cloud-amd64"
	s := bookworm
	if got := packagesOf(t, s); !contains(got, cloud) {
		t.Error("there is no kernel")
	}
	s.Packages = []string{"linux-image-amd64", "sudo"}
	if got := packagesOf(t, s); contains(got, cloud) || !contains(got, "linux-image-amd64") {
		t.Errorf("got %q", got)
	}
}

func contains(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}
