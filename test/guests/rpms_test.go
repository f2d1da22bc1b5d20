//go:build vm && long

package guests

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// family is what makes RPM packages of Debian's look like those of a distribution.
type family struct {
	distribution, version string // as os-release has them
	modules               string // of GRUB
	amigo                 bool   // it has what AmiGO needs, too
	// debian are the packages of Debian that are in those of the table; what is in
	// no other is in "filesystem".
	debian map[string][]string
}

var families = map[string]family{
	"rocky": {
		distribution: "rocky", version: "10.1", amigo: true,
		modules: "/usr/lib/grub",
		debian: map[string][]string{
			"kernel-core": {"linux-image-*"}, "dracut-config-generic": {"dracut", "dracut-core"},
			"grub2-pc-modules": {"grub-pc-bin"}, "grub2-efi-x64-modules": {"grub-efi-amd64-bin"}, "grub2-tools-minimal": {"grub-common", "grub2-common"},
			"openssh-server": {"openssh-server"}, "e2fsprogs": {"e2fsprogs"}, "sudo": {"sudo"}, "less": {"less"}, "zstd": {"zstd"},
		},
	},
	"opensuse-tumbleweed": {
		distribution: "opensuse-tumbleweed", version: "20261128",
		modules: "/usr/share/grub2",
		debian: map[string][]string{
			"kernel-default": {"linux-image-*"}, "dracut": {"dracut", "dracut-core"},
			"grub2-i386-pc": {"grub-pc-bin"}, "grub2-x86_64-efi": {"grub-efi-amd64-bin"}, "grub2": {"grub-common", "grub2-common"},
			"openssh-server": {"openssh-server"}, "e2fsprogs": {"e2fsprogs"}, "sudo": {"sudo"}, "less": {"less"}, "zstd": {"zstd"},
		},
	},
}

// TestRPMs makes machines with dnf and with zypper from signed repositories on the loopback
// interface. The names of the packages and where they have their kernel, boot loader and
// database are the distribution's; what is in them is Debian's, since nothing of the
// distribution's own can be had here.
//
// One of them gets AmiGO, which is tested then as any image is. The Perl modules that the
// distribution does not have are in the repository as if somebody had packaged them.
func TestRPMs(t *testing.T) {
	for name, f := range families {
		t.Run(name, f.build)
	}
}

func (f family) build(t *testing.T) {
	dir := t.TempDir()
	f.key(t, dir)
	server := httptest.NewServer(http.FileServer(http.Dir(f.repository(t, dir, f.system(t, dir)))))
	t.Cleanup(server.Close)
	d, err := distro.Find(f.distribution)
	if err != nil {
		t.Fatal(err)
	}
	repositories := ""
	for _, r := range d.Repositories {
		repositories += fmt.Sprintf("      %s = %q\n", r.Name, server.URL)
	}
	needs := ""
	if f.amigo {
		needs = `"amigo"`
	}
	place(t, filepath.Join(dir, "guest.pkr.hcl"), fmt.Sprintf(`
source "amigo-qemu" "guest" {
  bootstrap {
    distribution = %q
    repositories = {
%s    }
    needs = [%s]
  }
  output_directory = "out/disk"
}
build {
  sources = ["source.amigo-qemu.guest"]
  provisioner "shell" {
    inline = [
      "set -eu",
      "cat /etc/os-release /proc/cmdline",
      "systemctl is-enabled sshd.service",
      "readlink /boot/vmlinuz /boot/initrd",
      "uname -r",
      "rpm -q extra || echo extra is not there",
    ]
  }
%s}`, f.distribution, repositories, needs, f.provisioner(t, strings.Replace(server.URL, "127.0.0.1", "10.0.2.2", 1))))
	said := f.run(t, dir, "build", "guest.pkr.hcl")
	kernel := strings.TrimPrefix(filepath.Base(f.kernel(t, dir)), "vmlinuz-")
	for _, want := range []string{"ID=" + f.distribution, "selinux=0", "enabled", "vmlinuz-" + kernel, kernel, "extra is not there"} {
		if !strings.Contains(said, want) {
			t.Errorf("the build does not say %q:\n%s", want, said)
		}
	}
}

// provisioner installs the sample and tests the image.
func (f family) provisioner(t *testing.T, repository string) string {
	t.Helper()
	sample, err := filepath.Abs("../../examples/amigo/sample")
	if err != nil {
		t.Fatal(err)
	}
	if !f.amigo {
		return ""
	}
	// The package that is not in the base is installed by the guest's own manager.
	return fmt.Sprintf(`
  provisioner "shell" {
    inline = [
      "rpm --import %[2]s/repodata/repomd.xml.key",
      "mkdir -p /etc/yum.repos.d; printf '[test]\\nname=test\\nbaseurl=%[2]s\\ngpgcheck=1\\n' >/etc/yum.repos.d/test.repo",
    ]
  }
  provisioner "amigo" {
    source   = %[1]q
    packages = ["httpd", "extra"]
    golr {
      documents     = ["%[1]s/golr-documents.xml"]
      memory        = "512m"
      timestamp_log = "%[1]s/data/golr_timestamp.log"
      release_doi   = "%[1]s/data/release-archive-doi.json"
    }
  }
  post-processor "amigo-distribution" {
    output_directory = "out/distribution"
  }
`, sample, repository)
}

// run runs amigo-image where the keys of the distribution are the test's own.
func (f family) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	binary, err := filepath.Abs("../../bin/amigo-image")
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("exec 2>&1; mkdir -p %[1]s/over; mount -t overlay -o lowerdir=/usr/share,upperdir=%[1]s/share,workdir=%[1]s/over overlay /usr/share; exec %s \"$@\"", dir, binary)
	said, err := command.Output(t.Context(), command.Cmd{
		Name: "unshare", Args: append([]string{"--mount", "sh", "-eu", "-c", script, "sh"}, args...), Dir: dir,
		Env: []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "HOME=" + dir},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

// key makes the key that signs packages, and puts it where the table has it.
func (f family) key(t *testing.T, dir string) {
	t.Helper()
	newKey(t, dir)
	public := run(t, "gpg", "--armor", "--export")
	d, err := distro.Find(f.distribution)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range d.Repositories {
		for _, key := range r.Keys {
			key = strings.ReplaceAll(strings.ReplaceAll(key, "{keyring}", d.Keyring.File), "{release}", d.Default)
			place(t, filepath.Join(dir, "share", strings.TrimPrefix(key, "/usr/share/")), public)
		}
	}
}

// debianSystem returns a tar of a small system that boots, with both package managers.
func (f family) debianSystem(t *testing.T) string {
	t.Helper()
	debian := distro.Standard()
	machine, err := debian.Architecture("amd64")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Concat([]string{machine.Kernel, "dracut", "rpm", "dnf", "zypper"}, debian.Packages.Base, machine.Boot)
	if f.amigo {
		names = append(names, debian.Packages.AmiGO...)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "initramfs-tools" || name == "jetty9" })
	tar := filepath.Join(t.TempDir(), "debian.tar")
	run(t, "mmdebstrap", "--quiet", "--variant=apt", `--aptopt=APT::Install-Recommends "false"`, "--dpkgopt=force-unsafe-io",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		`--setup-hook=mkdir -p "$1"/usr/share/man/man1`, "--include="+strings.Join(names, ","), debian.Default, tar)
	return tar
}

// system unpacks Debian's system and moves what the distribution has elsewhere.
func (f family) system(t *testing.T, dir string) string {
	t.Helper()
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "tar", "-C", root, "--numeric-owner", "--exclude=./dev/*", "-xf", f.debianSystem(t))
	place(t, filepath.Join(root, "usr/lib/os-release"), fmt.Sprintf("ID=%s\nVERSION_ID=%q\nPRETTY_NAME=%q\n", f.distribution, f.version, f.distribution+" of a test"))
	place(t, filepath.Join(root, "etc/rpm/macros"), "%_dbpath /usr/lib/sysimage/rpm\n")
	run(t, "sh", "-eu", "-c", `cd "$1"
mv usr/bin/grub-mkimage usr/bin/grub2-mkimage
if [ usr/lib/grub != "$2" ]; then mkdir -p "$2"; mv usr/lib/grub/* "$2/"; fi
for kernel in boot/vmlinuz-*; do mv "$kernel" "usr/lib/modules/${kernel#boot/vmlinuz-}/vmlinuz"; done
mv usr/lib/systemd/system/ssh.service usr/lib/systemd/system/sshd.service
rm -rf etc/init.d/ssh etc/systemd/system/sshd.service etc/systemd/system/*/ssh.service usr/lib/systemd/system/ssh.socket etc/ssh/ssh_host_* vmlinuz* initrd.img* boot/*
echo wheel:x:900: >>etc/group
`, "sh", root, strings.TrimPrefix(f.modules, "/"))
	if f.amigo {
		run(t, "sh", "-eu", "-c", layOutHTTPD, "sh", root)
	}
	return root
}

// layOutHTTPD moves Debian's Apache to where Enterprise Linux has it.
const layOutHTTPD = `cd "$1"
mv usr/sbin/apache2 usr/sbin/httpd
rm -rf etc/apache2 etc/init.d/apache* usr/lib/systemd/system/apache* etc/systemd/system/*/apache*
echo apache:x:48:48::/usr/share/httpd:/usr/sbin/nologin >>etc/passwd
echo apache:x:48: >>etc/group
mkdir -p etc/httpd/conf etc/httpd/conf.d etc/httpd/conf.modules.d var/log/httpd
for module in mpm_event authz_core authz_host alias dir mime headers rewrite include proxy proxy_http setenvif env filter; do
    echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
done >etc/httpd/conf.modules.d/00-base.conf
cat >etc/httpd/conf/httpd.conf <<'END'
ServerRoot "/etc/httpd"
Listen 80
Include conf.modules.d/*.conf
User apache
Group apache
PidFile /run/httpd/httpd.pid
DefaultRuntimeDir /run/httpd
DocumentRoot "/var/www/html"
DirectoryIndex index.html
TypesConfig /etc/mime.types
ErrorLog /var/log/httpd/error_log
LogFormat "%h %l %u %t \"%r\" %>s %b" combined
<Directory />
    AllowOverride none
    Require all denied
</Directory>
IncludeOptional conf.d/*.conf
END
echo '# the page of a server that nobody has set up' >etc/httpd/conf.d/welcome.conf
cat >usr/lib/systemd/system/httpd.service <<'END'
[Unit]
Description=The Apache HTTP Server
After=network.target
[Service]
ExecStart=/usr/sbin/httpd -d /etc/httpd -f conf/httpd.conf -DFOREGROUND
ExecReload=/usr/sbin/httpd -d /etc/httpd -f conf/httpd.conf -k graceful
KillMode=mixed
RuntimeDirectory=httpd
PrivateTmp=true
[Install]
WantedBy=multi-user.target
END
`

func (f family) kernel(t *testing.T, dir string) string {
	t.Helper()
	kernels, err := filepath.Glob(filepath.Join(dir, "root/usr/lib/modules/*"))
	if err != nil || len(kernels) != 1 {
		t.Fatalf("%q, %v", kernels, err)
	}
	return kernels[0]
}

// owners are the packages that paths of a system are in.
func (f family) owners(t *testing.T, root string) map[string]string {
	t.Helper()
	owners := map[string]string{}
	for rpm, debs := range f.debian {
		for _, deb := range debs {
			lists, _ := filepath.Glob(filepath.Join(root, "var/lib/dpkg/info", deb+".list"))
			for _, list := range lists {
				for line := range strings.Lines(run(t, "cat", list)) {
					path := strings.TrimSpace(line)
					owners[path] = rpm
					if strings.HasPrefix(path, "/lib/") || strings.HasPrefix(path, "/sbin/") || strings.HasPrefix(path, "/bin/") {
						owners["/usr"+path] = rpm
					}
				}
			}
		}
	}
	return owners
}

// lists are the paths of a system as the %files of packages, by the packages.
func (f family) lists(t *testing.T, root string) map[string][]string {
	t.Helper()
	users, groups := names(t, root, "passwd"), names(t, root, "group")
	owners, lists := f.owners(t, root), map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root)
		if err != nil || name == "" {
			return err
		}
		if strings.HasPrefix(name, "/var/lib/dpkg") || strings.HasPrefix(name, "/var/lib/apt") || slices.Contains(empty, filepath.Dir(name)) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		of, kind, mode := "filesystem", "", fmt.Sprintf("%o", stat.Mode&0o7777)
		switch {
		case info.IsDir():
			kind = "%dir "
		case info.Mode()&fs.ModeSymlink != 0:
			mode = "-"
		}
		if owner, ok := owners[name]; ok && !info.IsDir() {
			of = owner
		}
		if slices.Contains([]string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}, name) {
			of = "setup"
		}
		line := fmt.Sprintf("%s%%attr(%s, %s, %s) \"%s\"", kind, mode, users[stat.Uid], groups[stat.Gid], strings.ReplaceAll(name, "%", "%%"))
		lists[of] = append(lists[of], line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lists
}

// empty are directories of which packages have nothing but themselves.
var empty = []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/boot", "/var/cache"}

// names are those of a system's users or groups, by their numbers.
func names(t *testing.T, root, file string) map[uint32]string {
	t.Helper()
	all := map[uint32]string{}
	for line := range strings.Lines(run(t, "cat", filepath.Join(root, "etc", file))) {
		var id uint32
		parts := strings.Split(line, ":")
		if _, err := fmt.Sscan(parts[2], &id); err != nil {
			t.Fatal(err)
		}
		all[id] = parts[0]
	}
	return all
}

// repository makes the packages that the table asks for, signed.
func (f family) repository(t *testing.T, dir, root string) string {
	t.Helper()
	d, err := distro.Find(f.distribution)
	if err != nil {
		t.Fatal(err)
	}
	release, err := d.Release(d.Default)
	if err != nil {
		t.Fatal(err)
	}
	lists := f.lists(t, root)
	wanted := d.Packages.AmiGO
	if !f.amigo {
		wanted = nil
	}
	wanted = slices.Concat(wanted, d.Packages.Base, release.Packages, d.Architectures["amd64"].Boot, []string{d.Architectures["amd64"].Kernel, "setup", "extra"})
	slices.Sort(wanted)
	spec := "Name: filesystem\nVersion: 1\nRelease: 1\nSummary: For a test\nLicense: various\nAutoReqProv: no\nRequires(pre): setup\nProvides: /bin/sh\n" +
		"%global debug_package %{nil}\n%global __os_install_post %{nil}\n%global _build_id_links none\n%global _binary_payload w1.gzdio\n" +
		"%description\nFor a test.\n%files -f " + filepath.Join(dir, "filesystem.files") + "\n"
	for _, name := range slices.Compact(wanted) {
		requires := "Requires: filesystem\n"
		if name == "setup" {
			requires = ""
		}
		spec += fmt.Sprintf("%%package -n %[1]s\nSummary: For a test\nAutoReqProv: no\n%[2]s%%description -n %[1]s\nFor a test.\n%%files -n %[1]s -f %[3]s.files\n", name, requires, filepath.Join(dir, name))
		place(t, filepath.Join(dir, name+".files"), strings.Join(lists[name], "\n")+"\n")
		delete(lists, name)
	}
	// Only real scripts show that they run in the new system as on a machine.
	spec += "%post -n ca-certificates\ntest -c /dev/null\ntest -r /proc/self/status\nupdate-ca-certificates\n"
	place(t, filepath.Join(dir, "filesystem.files"), strings.Join(lists["filesystem"], "\n")+"\n")
	delete(lists, "filesystem")
	if len(lists) > 0 {
		t.Fatalf("the table does not ask for packages: %v", lists)
	}
	spec += "%install\ncp -al " + root + "/. %{buildroot}/\n"
	place(t, filepath.Join(dir, "all.spec"), spec)
	run(t, "rpmbuild", "--quiet", "-bb", "--define", "_topdir "+filepath.Join(dir, "build"), "--define", "_unpackaged_files_terminate_build 0", filepath.Join(dir, "all.spec"))
	packages, err := filepath.Glob(filepath.Join(dir, "build/RPMS/x86_64/*.rpm"))
	if err != nil || len(packages) == 0 {
		t.Fatalf("%q, %v", packages, err)
	}
	gpg := strings.TrimSpace(run(t, "which", "gpg"))
	run(t, "rpmsign", append([]string{"--addsign", "--define", "_gpg_name archive@example.org", "--define", "__gpg " + gpg}, packages...)...)
	repository := filepath.Dir(packages[0])
	run(t, "createrepo_c", "--quiet", repository)
	index := filepath.Join(repository, "repodata/repomd.xml")
	run(t, "gpg", "--batch", "--armor", "--detach-sign", index)
	place(t, index+".key", run(t, "gpg", "--armor", "--export"))
	return repository
}
