//go:build vm

package catalog

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// clients goes before a line in bash and zsh. Each function is a program that
// has nothing to talk to here: it is asked to check the line as far as it does
// by itself, or, if Debian does not have it, the shell has to be content.
const clients = `
aws() {
  case "$1" in
    s3) command aws "$@" --dryrun ;;
    *) command aws "$@" --generate-cli-skeleton output ;;
  esac
}
virt-install() { command virt-install --connect test:///default "$@" --print-xml; }
vagrant() {
  case "$1" in
    up) command vagrant validate ;;
    *) command vagrant "$@" ;;
  esac
}
ssh() { command ssh -G "$@"; }
amigo-image() { command amigo-image "$@" --help; }
absent() { echo "not here: $*"; }
VBoxManage() { absent "$@"; }
qm() { absent "$@"; }
oneimage() { absent "$@"; }
openstack() { absent "$@"; }
euca-install-image() { absent "$@"; }
gcloud() { absent "$@"; }
az() { absent "$@"; }
`

// TestCommands pastes the page's lines into the shells that they are for, in a
// directory that has nothing but what the lines before them fetched, and looks
// at the files that they make.
func TestCommands(t *testing.T) {
	for name, want := range map[string]map[string]int{
		layout.PageFile:    {"bash": 17, "zsh": 3, "powershell": 4},
		layout.ServersFile: {"bash": 11},
	} {
		t.Run(name, func(t *testing.T) {
			page, guest := serve(t, name)
			got := map[string]int{}
			for _, section := range sections(page) {
				for _, one := range section {
					got[one.shell]++
				}
				guest.follow(t, section)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the page's lines by their shells (-want +got):\n%s", diff)
			}
		})
	}
}

// follow pastes the lines of a section and looks at what they make.
func (v visitor) follow(t *testing.T, section []line) {
	t.Helper()
	id := section[0].section
	t.Run(id, func(t *testing.T) {
		for _, one := range section {
			v.try(t, one)
		}
		for _, want := range results[id] {
			want.check(t, v.home)
		}
	})
}

// try pastes a line and compares what it prints with what the page says.
func (v visitor) try(t *testing.T, one line) {
	t.Helper()
	shell, written := one.shell, one.text
	switch {
	case shell == "powershell":
		shell, one.text = "bash", fromPowerShell(t, one.text)
	case one.part:
		one.text = "qemu-system-x86_64 -accel tcg -m 2048 -nographic \\\n" + one.text
	}
	v.parse(t, shell, one.text)
	if strings.HasPrefix(one.text, "qemu-system-x86_64") {
		v.start(t, shell, one.text)
		return
	}
	if name, found := strings.CutPrefix(one.text, "curl -fLO"); found {
		_ = os.Remove(filepath.Join(v.home, strings.Trim(path.Base(name), "'"))) // another system's
	}
	text := strings.ReplaceAll(one.text, "/var/lib/libvirt/images", v.home)
	out := v.paste(t, shell, text, "")
	if sum := sha256sum.FindString(out); one.shell == "powershell" && !strings.Contains(written, sum) {
		t.Errorf("%s\nhas another digest than %s", written, sum)
	}
	for _, want := range one.prints {
		if one.shell != "powershell" && !strings.HasPrefix(text, "ssh") && !strings.Contains(out, want) {
			t.Errorf("%s\nprints %q, and not %q", one.text, out, want)
		}
	}
}

var ports = regexp.MustCompile(`tcp:127\.0\.0\.1:\d+-`)

var sha256sum = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// start has QEMU make the machine and stops it before its first instruction;
// other tests start machines.
func (v visitor) start(t *testing.T, shell, text string) {
	t.Helper()
	text = strings.Replace(ports.ReplaceAllString(text, "tcp:127.0.0.1:0-"), " -accel kvm", "", 1)
	v.paste(t, shell, text+" -S -display none -serial none -monitor stdio", "info block\nquit\n")
}

// serve serves the full repository with small disks, and returns one of its
// pages and a visitor.
func serve(t *testing.T, name string) (page string, guest visitor) {
	t.Helper()
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	s := repository(t, false)
	s.options.BaseURL = server.URL
	shown := s.catalog.Channels[0].Version
	for i := range s.catalog.Versions {
		if v := &s.catalog.Versions[i]; v.Version == shown {
			s.options.PublicKey = publish(t, filepath.Join(dir, layout.Version(shown)), v)
		}
	}
	files, err := Render(s.catalog, s.options)
	if err != nil {
		t.Fatal(err)
	}
	channels, err := s.catalog.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, layout.ChannelsFile), channels)
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == name })
	return string(files[i].Content), arrive(t)
}

// arrive makes the home directory of a visitor, who has an SSH key, and for
// whom the project's repository is the one that this test is of.
func arrive(t *testing.T) visitor {
	t.Helper()
	home := t.TempDir()
	put(t, filepath.Join(home, ".ssh", "id_ed25519.pub"), []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@example.org\n"))
	put(t, filepath.Join(home, ".ssh", "id_ed25519"), nil)
	source, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"HOME=" + home, "LC_ALL=C", "PATH=" + home + "/packer-plugin-amigo/bin:" + os.Getenv("PATH"),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + source + ".insteadOf", "GIT_CONFIG_VALUE_0=" + project + ".git",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"GOFLAGS=-trimpath", // finds in the cache what make has built
	}
	for _, name := range []string{"GOENV", "GOCACHE", "GOMODCACHE"} {
		value, err := command.Output(t.Context(), command.Cmd{Name: "go", Args: []string{"env", name}})
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return visitor{home, env}
}

// publish writes the disks of a version, their checksums and the signature,
// and returns the public key.
func publish(t *testing.T, dir string, v *layout.VersionManifest) string {
	t.Helper()
	sums := []manifest.Sum{{SHA256: digest("elsewhere"), Name: "elsewhere"}}
	for i := range v.Files {
		if file := &v.Files[i]; file.Role == manifest.Disk {
			file.Size, file.SHA256 = disk(t, filepath.Join(dir, file.Name))
			sums = append(sums, manifest.Sum{SHA256: file.SHA256, Name: file.Name})
		}
	}
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	list := []byte(manifest.FormatSums(sums))
	put(t, filepath.Join(dir, layout.SumsFile), list)
	put(t, filepath.Join(dir, layout.SignatureFile), minisign.Sign(private, list))
	return public.String()
}

// disk writes a qcow2 of a disk that is neither empty nor of a size that every
// format likes, and returns the file's size and digest.
func disk(t *testing.T, path string) (size int64, sum string) {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	content := make([]byte, 11<<20)
	noise := rand.NewChaCha8([32]byte{})
	_, _ = noise.Read(content[3<<20 : 4<<20])
	put(t, raw, content)
	put(t, path, nil)
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"convert", "-f", "raw", "-O", "qcow2", raw, path}}); err != nil {
		t.Fatal(err)
	}
	size, sum, err := manifest.DigestFile(path, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return size, sum
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
