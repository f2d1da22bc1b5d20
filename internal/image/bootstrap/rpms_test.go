package bootstrap

import (
	"context"
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
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox/sandboxtest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

var (
	rocky      = Spec{Distribution: "rocky", Release: "10", Architecture: "amd64", DiskSize: minDiskSize}
	tumbleweed = Spec{Distribution: "opensuse-tumbleweed", Release: "rolling", Architecture: "amd64", DiskSize: minDiskSize}
)

// rpmRepository makes a signed repository with every package of a base, and returns it as a
// line of the sources. The first package is a system in which programs run.
func rpmRepository(t *testing.T, s Spec) (dir, line string) {
	t.Helper()
	work := t.TempDir()
	t.Setenv("GNUPGHOME", filepath.Join(work, "gnupg"))
	if err := os.Mkdir(filepath.Join(work, "gnupg"), 0o700); err != nil {
		t.Fatal(err)
	}
	output(t, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "archive@example.org", "rsa3072", "sign", "never")
	t.Cleanup(func() {
		_ = command.Run(context.WithoutCancel(t.Context()), command.Cmd{Name: "gpgconf", Args: []string{"--kill", "all"}})
	})
	key := filepath.Join(work, "key.asc")
	write(t, key, output(t, "gpg", "--armor", "--export"))

	system := sandboxtest.RootFS(t, []string{"sh", "cat", "mkdir"}, map[string]string{
		"/usr/bin/rpm":                 "#!/bin/sh\necho \"rpm $*\" >>/etc/called\n",
		"/usr/bin/dracut":              "#!/bin/sh\necho \"dracut $*\" >>/etc/called\nfor initrd; do :; done\necho initrd >\"$initrd\"\n",
		"/usr/lib/modules/6.1/vmlinuz": "a kernel",
		"/boot/.there":                 "", "/tmp/.there": "", "/var/tmp/.there": "",
	})
	spec := "Name: filesystem\nVersion: 1\nRelease: 2\nSummary: x\nLicense: x\nAutoReqProv: no\nProvides: /bin/sh\n" +
		"%global debug_package %{nil}\n%global __os_install_post %{nil}\n%description\nx\n%files\n/*\n" +
		"%install\nmkdir -p %{buildroot}\ntar -C %{buildroot} -xf " + system + "\n"
	for _, name := range packagesOf(t, s) {
		spec += fmt.Sprintf("%%package -n %[1]s\nSummary: x\nAutoReqProv: no\nRequires: filesystem\n%%description -n %[1]s\nx\n%%files -n %[1]s\n", name)
	}
	// A script of a package sees a machine.
	spec += "%post -n sudo\ntest -c /dev/null\ncat /proc/self/status >/dev/null\necho sudo >>/etc/called\n"
	write(t, filepath.Join(work, "all.spec"), spec)
	output(t, "rpmbuild", "--quiet", "-bb", "--define", "_topdir "+work, filepath.Join(work, "all.spec"))
	packages, err := filepath.Glob(filepath.Join(work, "RPMS/x86_64/*.rpm"))
	if err != nil || len(packages) < 10 {
		t.Fatalf("%q, %v", packages, err)
	}
	gpg := strings.TrimSpace(output(t, "which", "gpg"))
	output(t, "rpmsign", append([]string{"--addsign", "--define", "_gpg_name archive@example.org", "--define", "__gpg " + gpg}, packages...)...)
	dir = filepath.Dir(packages[0])
	index(t, dir)
	return dir, repository{name: "all", address: "file://" + dir, keys: []string{key}}.line()
}

// index makes the signed index of a repository.
func index(t *testing.T, dir string) {
	t.Helper()
	output(t, "createrepo_c", "--quiet", dir)
	index := filepath.Join(dir, "repodata", "repomd.xml")
	output(t, "gpg", "--batch", "--yes", "--armor", "--detach-sign", index)
	write(t, index+".key", output(t, "gpg", "--armor", "--export"))
}

// TestRPMs makes root file systems with dnf and with zypper.
func TestRPMs(t *testing.T) {
	for _, s := range []Spec{rocky, tumbleweed} {
		t.Run(s.Distribution, func(t *testing.T) {
			_, line := rpmRepository(t, s)
			g, store, plan := guestOf(t, s), cache.At(t.TempDir()), Resolution{Spec: s, Sources: []string{line}}
			from := g.archive()
			packages, err := from.resolve(t.Context(), store, plan)
			if err != nil {
				t.Fatal(err)
			}
			want := []Package{{"filesystem", "1-2"}}
			for _, name := range packagesOf(t, s) {
				want = append(want, Package{name, "1-2"})
			}
			slices.SortFunc(want, Package.compare)
			slices.SortFunc(packages, Package.compare)
			if diff := cmp.Diff(want, packages); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			plan.Packages = packages
			tar, _, err := RootFS(t.Context(), store, plan, event.Start(event.Discard, "base", ""))
			if err != nil {
				t.Fatal(err)
			}
			initrd := strings.Replace(g.Boot.Initrd, "VERSION", "6.1", 1)
			called := output(t, "tar", "-xOf", tar, "./etc/called")
			if called != "sudo\nrpm --rebuilddb\ndracut --quiet --no-hostonly --kver 6.1 /boot/"+initrd+"\n" {
				t.Errorf("was called: %q", called)
			}
			if got := output(t, "tar", "-xOf", tar, "./boot/vmlinuz-6.1", "./boot/"+initrd); got != "initrd\na kernel" {
				t.Errorf("in /boot: %q", got)
			}
			for name := range strings.Lines(output(t, "tar", "-tf", tar)) {
				if strings.HasPrefix(name, "./dev/") && name != "./dev/\n" || strings.HasPrefix(name, "./proc/") && name != "./proc/\n" {
					t.Errorf("it has %s", name)
				}
			}
		})
	}
}

// TestRPMsFail: what a repository lacks, one that can't be reached, keys that are not here,
// and a package that is not what was signed.
func TestRPMsFail(t *testing.T) {
	for _, s := range []Spec{rocky, tumbleweed} {
		t.Run(s.Distribution, func(t *testing.T) {
			dir, line := rpmRepository(t, s)
			store, from := cache.At(t.TempDir()), guestOf(t, s).archive()
			resolve := func(line string, packages ...string) error {
				s := s
				s.Packages = packages
				_, err := from.resolve(t.Context(), store, Resolution{Spec: s, Sources: []string{line}})
				return err
			}
			lacks := (*LacksError)(nil)
			if err := resolve(line, "misspelt", "absent"); !errors.As(err, &lacks) || !slices.Equal(slices.Sorted(slices.Values(lacks.Packages)), []string{"absent", "misspelt"}) {
				t.Errorf("%v", err)
			}
			gone := (*UnreachableError)(nil)
			if err := resolve(strings.Replace(line, dir, dir+"/gone", 1)); !errors.As(err, &gone) || fault.Of(err).Code != fault.Network {
				t.Errorf("%v", err)
			}
			missing := (*command.MissingError)(nil)
			if _, err := from.sources(t.Context(), s); err != nil && (!errors.As(err, &missing) || missing.Package != "distribution-gpg-keys") {
				t.Errorf("%v", err)
			}
			// dnf looks for the signatures of packages, zypper for that of their index.
			says := "is unsigned"
			if s.Distribution == rocky.Distribution {
				says = "is not signed"
				output(t, "rpmsign", "--delsign", filepath.Join(dir, "sudo-1-2.x86_64.rpm"))
				index(t, dir)
			} else if err := os.Remove(filepath.Join(dir, "repodata", "repomd.xml.asc")); err != nil {
				t.Fatal(err)
			}
			_, _, err := RootFS(t.Context(), cache.At(t.TempDir()), Resolution{Spec: s, Sources: []string{line}}, event.Start(event.Discard, "base", ""))
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("without a signature: %v, want %q", err, says)
			}
		})
	}
}

func TestRepositories(t *testing.T) {
	s := rocky
	s.Mirror = "https://mirror.example.org/rocky/"
	s.Repositories = map[string]string{"epel": "https://mirror.example.org/epel"}
	var got []string
	for _, r := range guestOf(t, s).repositories(s) {
		got = append(got, r.line())
	}
	const keys = "/usr/share/distribution-gpg-keys/"
	want := []string{
		"baseos https://mirror.example.org/rocky/BaseOS/x86_64/os " + keys + "rocky/RPM-GPG-KEY-Rocky-10",
		"appstream https://mirror.example.org/rocky/AppStream/x86_64/os " + keys + "rocky/RPM-GPG-KEY-Rocky-10",
		"crb https://mirror.example.org/rocky/CRB/x86_64/os " + keys + "rocky/RPM-GPG-KEY-Rocky-10",
		"epel https://mirror.example.org/epel " + keys + "epel/RPM-GPG-KEY-EPEL-10",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, c := range map[string]struct {
		spec Spec
		want string
	}{
		"unknown":       {with(rocky, "eple", "https://example.org"), `Repositories: "eple" is not known (did you mean "epel"?)`},
		"no address":    {with(rocky, "epel", "nonsense"), `Repositories: "nonsense" is not the address of a package archive, like http://mirror.example.org/debian`},
		"not of Debian": {with(bookworm, "epel", "https://example.org"), "Repositories: Debian has none that could be replaced (is it mirror that you want?)"},
	} {
		if err := c.spec.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func with(s Spec, name, address string) Spec {
	s.Repositories = map[string]string{name: address}
	return s
}

func FuzzParseZypper(f *testing.F) {
	f.Add([]byte(`<stream><message type="error">No provider of 'x' found.</message></stream>`))
	f.Add([]byte(`<stream><install-summary><to-install><solvable type="package" name="a" edition="1-2"/></to-install></install-summary></stream>`))
	f.Fuzz(func(t *testing.T, out []byte) {
		packages, lacking, err := zypper{}.parse(out)
		if err != nil && (packages != nil || lacking != nil) {
			t.Errorf("%q gave %v, %v and %v", out, packages, lacking, err)
		}
	})
}
