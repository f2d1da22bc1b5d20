package distro

import (
	"slices"
	"testing"
)

// TestTable looks for what every distribution must say of itself.
func TestTable(t *testing.T) {
	for _, d := range load() {
		if d.Name == "" || d.Title == "" || d.Manager.List == "" || d.Manager.Install == "" || d.Manager.Purge == "" || d.Manager.Upgrade == "" || d.Operators == "" || d.Trust == (Trust{}) || d.Boot.Grub == "" || d.Boot.SSH == "" || d.Web.Unit == "" || d.Web.User == "" || d.Web.Site == "" || d.Kernels == "" ||
			d.Keyring.Package == "" || len(d.Start) == 0 || len(d.Wait) == 0 || len(d.Releases) == 0 || len(d.Architectures) == 0 {
			t.Errorf("%s lacks something: %+v", d.Name, d)
		}
		debs, rpms := len(d.Components) > 0 && d.Keyring.File != "", d.Archive != "" && len(d.Repositories) > 0
		if debs == rpms {
			t.Errorf("%s: where are its packages? %+v", d.Name, d)
		}
		for _, r := range d.Releases {
			if rpms && r.RPMs == "" {
				t.Errorf("%s %s: where is its database? %+v", d.Name, r.Name, r)
			}
		}
		if _, err := d.Release(d.Default); err != nil {
			t.Errorf("%s: the default: %v", d.Name, err)
		}
		for name, a := range d.Architectures {
			if a.Kernel == "" || len(a.Boot) == 0 {
				t.Errorf("%s/%s: %+v", d.Name, name, a)
			}
		}
		for name, list := range map[string][]string{
			"base": d.Packages.Base, "amigo": d.Packages.AmiGO, "production": d.Packages.Production,
		} {
			if len(list) == 0 && (debs || name == "base") || len(slices.Compact(slices.Sorted(slices.Values(list)))) != len(list) {
				t.Errorf("%s: the packages of %s are none, or have twins: %q", d.Name, name, list)
			}
		}
		for _, name := range d.Serving {
			if d.IsBuildTool(name) {
				t.Errorf("%s: %s is needed and goes", d.Name, name)
			}
		}
	}
}

// TestLike: what a distribution's own file does not say is that of the other.
func TestLike(t *testing.T) {
	debian, err := Find("debian")
	if err != nil {
		t.Fatal(err)
	}
	ubuntu, err := Find("ubuntu")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ubuntu.Packages.AmiGO, debian.Packages.AmiGO) || !slices.Equal(ubuntu.Start, debian.Start) {
		t.Error("it is not like Debian")
	}
	if len(ubuntu.WaitToo) == 0 || ubuntu.Keyring == debian.Keyring || len(ubuntu.Releases) != 2 || debian.Like != "" || debian.Untried {
		t.Errorf("%+v and %+v", ubuntu, debian)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		id, version, want string
	}{
		{"debian", "12", ""},
		{"debian", "13", ""},
		{"rocky", "10.1", ""},
		{"centos", "10", ""},
		{"opensuse-tumbleweed", "20261101", ""},
		{"rocky", "100.1", `"100.1" is not known (known: 9, 10)`},
		{"debain", "12", `"debain" is not known (did you mean "debian"?)`},
		{"plan9", "4", `"plan9" is not known (known: almalinux, centos, debian, opensuse-leap, opensuse-tumbleweed, rocky, ubuntu)`},
		{"debian", "7.11", `"7.11" is not known (known: 12, 13, 14)`},
	} {
		_, _, err := Identify(test.id, test.version)
		if got := errText(err); got != test.want {
			t.Errorf("%s %s: %s", test.id, test.version, got)
		}
	}
	d, err := Find("debian")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Release("trixy"); errText(err) != `"trixy" is not known (did you mean "trixie"?)` {
		t.Error(err)
	}
	if _, err := d.Architecture("arm46"); err == nil {
		t.Error("arm46 is known")
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestServingOf(t *testing.T) {
	d, err := Find("debian")
	if err != nil {
		t.Fatal(err)
	}
	got := d.ServingOf([]string{"perl", "git", "linux-image-6.1.0-40-cloud-amd64", "nftables"})
	if want := []string{"cloud-init", "linux-image-6.1.0-40-cloud-amd64", "nftables", "perl", "unattended-upgrades"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestBuildTools(t *testing.T) {
	d, err := Find("debian")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"gcc-12": true, "gcc-12-base": false, "libssl-dev": true, "perl": false, "node-glob": true} {
		if got := d.IsBuildTool(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
