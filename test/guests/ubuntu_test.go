//go:build vm && long

// Package guests makes machines of distributions whose archives can't be had everywhere,
// from small ones of its own.
package guests

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// ubuntuKeyring is where a host and a guest have the keys of Ubuntu's archive.
const ubuntuKeyring = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"

// TestUbuntu makes a machine from an archive on the loopback interface that is laid out and
// signed as Ubuntu's is: its suites, its components, the names of its packages. What is in
// the packages is Debian's, since nothing of Ubuntu's can be had here.
func TestUbuntu(t *testing.T) {
	dir := t.TempDir()
	keyrings := newKeyring(t, dir)
	packages := append(debianPackages(t, dir),
		buildPackage(t, dir, "ubuntu-keyring", "", filepath.Join(keyrings, filepath.Base(ubuntuKeyring))),
		buildPackage(t, dir, "linux-image-virtual", "linux-image-cloud-amd64, ubuntu-keyring", ""))
	server := httptest.NewServer(http.FileServer(http.Dir(newArchive(t, dir, packages))))
	t.Cleanup(server.Close)

	apt := filepath.Join(dir, "apt.conf")
	list := ""
	for _, suite := range []string{"noble", "noble-updates", "noble-security"} {
		list += fmt.Sprintf("deb %s %s main universe\n", server.URL, suite)
	}
	place(t, filepath.Join(dir, "sources.list"), list)
	place(t, apt, fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\n", filepath.Join(dir, "sources.list")))
	place(t, filepath.Join(dir, "ubuntu.pkr.hcl"), `
source "amigo-qemu" "ubuntu" {
  bootstrap {
    distribution = "ubuntu"
  }
  output_directory = "out"
}
build {
  sources = ["source.amigo-qemu.ubuntu"]
  provisioner "shell" {
    inline = [
      "set -eu",
      "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true",
      "test -s `+ubuntuKeyring+`",
      "dpkg-query -W linux-image-virtual",
      "systemctl is-enabled ssh.service",
    ]
  }
}`)
	binary, err := filepath.Abs("../../bin/amigo-image")
	if err != nil {
		t.Fatal(err)
	}
	// The host's keyrings, with the one of Ubuntu among them, for this build alone.
	script := fmt.Sprintf("exec 2>&1; cp /usr/share/keyrings/debian-*.gpg %[1]s; mount --bind %[1]s /usr/share/keyrings; exec %[2]s build ubuntu.pkr.hcl", keyrings, binary)
	said, err := command.Output(t.Context(), command.Cmd{
		Name: "unshare", Args: []string{"--mount", "sh", "-eu", "-c", script}, Dir: dir,
		Env: []string{"APT_CONFIG=" + apt, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "HOME=" + dir},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{server.URL + "/ noble main", server.URL + "/ noble-security universe", "linux-image-virtual\t1", "enabled"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("the build does not say %q:\n%s", want, said)
		}
	}
}

// newKeyring makes a key that signs, and returns a directory with its public half where
// a host would have it.
func newKeyring(t *testing.T, dir string) string {
	t.Helper()
	newKey(t, dir)
	keyrings := filepath.Join(dir, "keyrings")
	place(t, filepath.Join(keyrings, filepath.Base(ubuntuKeyring)), run(t, "gpg", "--export"))
	return keyrings
}

// newKey makes the key that gpg signs with.
func newKey(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("GNUPGHOME", filepath.Join(dir, "gnupg"))
	if err := os.Mkdir(filepath.Join(dir, "gnupg"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "archive@example.org", "rsa3072", "sign", "never")
	t.Cleanup(func() {
		_ = command.Run(context.WithoutCancel(t.Context()), command.Cmd{Name: "gpgconf", Args: []string{"--kill", "all"}})
	})
}

// debianPackages returns the files of the packages of a small system.
func debianPackages(t *testing.T, dir string) []string {
	t.Helper()
	debian := distro.Standard()
	machine, err := debian.Architecture("amd64")
	if err != nil {
		t.Fatal(err)
	}
	names := append(append([]string{machine.Kernel}, debian.Packages.Base...), machine.Boot...)
	to := filepath.Join(dir, "debian")
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mmdebstrap", "--quiet", "--variant=apt", "--format=null", "--skip=essential/unlink,cleanup",
		`--aptopt=APT::Install-Recommends "false"`, `--aptopt=APT::Keep-Downloaded-Packages "true"`,
		"--include="+strings.Join(names, ","), `--customize-hook=cp "$1"/var/cache/apt/archives/*.deb `+to, debian.Default, "/dev/null")
	files, err := filepath.Glob(filepath.Join(to, "*.deb"))
	if err != nil || len(files) < len(names) {
		t.Fatalf("%d packages, %v", len(files), err)
	}
	return files
}

// buildPackage builds a package with a keyring in it, or with nothing.
func buildPackage(t *testing.T, dir, name, depends, keyring string) string {
	t.Helper()
	root := filepath.Join(dir, name)
	control := fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: Jo Sample <jo@example.org>\nDescription: for a test\n", name)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	place(t, filepath.Join(root, "DEBIAN", "control"), control)
	if keyring != "" {
		key, err := os.ReadFile(keyring)
		if err != nil {
			t.Fatal(err)
		}
		place(t, filepath.Join(root, ubuntuKeyring), string(key))
	}
	file := root + ".deb"
	run(t, "dpkg-deb", "--root-owner-group", "--build", root, file)
	return file
}

// newArchive makes a signed archive with the suites of a release. Some packages are in its
// second component.
func newArchive(t *testing.T, dir string, packages []string) string {
	t.Helper()
	archive := filepath.Join(dir, "archive")
	var suites strings.Builder
	for _, suite := range []string{"noble", "noble-updates", "noble-security"} {
		fmt.Fprintf(&suites, "Codename: %s\nSuite: %s\nOrigin: Ubuntu\nArchitectures: amd64\nComponents: main universe\nSignWith: yes\n\n", suite, suite)
	}
	place(t, filepath.Join(archive, "conf", "distributions"), suites.String())
	for component, chosen := range map[string]func(string) bool{
		"main":     func(name string) bool { return !strings.HasPrefix(name, "less_") },
		"universe": func(name string) bool { return strings.HasPrefix(name, "less_") },
	} {
		args := []string{"--basedir", archive, "--component", component, "--section", "misc", "--priority", "optional", "includedeb", "noble"}
		for _, file := range packages {
			if chosen(filepath.Base(file)) {
				args = append(args, file)
			}
		}
		if len(args) == 8+1 {
			t.Fatalf("no package is in %s", component)
		}
		run(t, "reprepro", args...)
	}
	run(t, "reprepro", "--basedir", archive, "export")
	return archive
}

// run returns what a program says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	said, err := command.Output(t.Context(), command.Cmd{Name: name, Args: args})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

func place(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
