//go:build vm

package catalog

import (
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// line is a command on a page, and what the page says that it prints.
type line struct {
	shell, text string
	part        bool // of another command
	prints      []string
}

var (
	commandLine = regexp.MustCompile(`(?s)<pre data-shell="(\w+)"( data-part)?><code>(.*?)</code></pre>(?:\s*<p class="then">(.*?)</p>)?`)
	printed     = regexp.MustCompile(`<samp>(.*?)</samp>`)
)

func lines(page string) []line {
	var all []line
	for _, found := range commandLine.FindAllStringSubmatch(page, -1) {
		one := line{shell: found[1], text: html.UnescapeString(found[3]), part: found[2] != ""}
		for _, samp := range printed.FindAllStringSubmatch(found[4], -1) {
			one.prints = append(one.prints, html.UnescapeString(samp[1]))
		}
		all = append(all, one)
	}
	return all
}

// tried are the programs whose lines are run as they are.
var tried = map[string]bool{"curl": true, "echo": true, "sha256sum": true, "minisign": true, "qemu-img": true, "qemu-system-x86_64": true}

// TestCommands pastes the page's lines into a shell, in a directory that has
// nothing but what the lines before them fetched.
func TestCommands(t *testing.T) {
	page, home := serve(t)
	runs, seen := 0, map[string]bool{}
	for _, one := range lines(page) {
		if one.shell != "bash" || seen[one.text] {
			continue
		}
		seen[one.text] = true
		first, _, _ := strings.Cut(one.text, "\n")
		if one.part {
			one.text = "qemu-system-x86_64 -accel tcg -m 2048 -nographic \\\n" + one.text
		}
		bash(t, home, "-n", one.text, "")
		word, _, _ := strings.Cut(one.text, " ")
		switch {
		case word == "qemu-img":
			bash(t, home, "-eu", first, "")
		case word == "qemu-system-x86_64":
			// Stopped before its first instruction; other tests start machines.
			text := regexp.MustCompile(`tcp:127\.0\.0\.1:\d+-`).ReplaceAllString(one.text, "tcp:127.0.0.1:0-")
			bash(t, home, "-eu", strings.Replace(text, " -accel kvm", "", 1)+" -S -serial none -monitor stdio", "quit\n")
		case tried[word]:
			out := bash(t, home, "-eu", one.text, "")
			for _, want := range one.prints {
				if !strings.Contains(out, want) {
					t.Errorf("%s\nprints %q, and not %q", one.text, out, want)
				}
			}
		default:
			continue
		}
		runs++
	}
	if runs < 12 {
		t.Errorf("only %d lines were run", runs)
	}
}

// bash runs a text that somebody pasted.
func bash(t *testing.T, home, mode, text, stdin string) string {
	t.Helper()
	var out strings.Builder
	c := command.Cmd{
		Name: "bash", Args: []string{mode, "-o", "pipefail", "-c", text}, Dir: home, Env: []string{"HOME=" + home, "LC_ALL=C"},
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out,
	}
	if err := command.Run(t.Context(), c); err != nil {
		t.Errorf("%s\n%v\n%s", text, err, out.String())
	}
	return out.String()
}

// serve serves the full repository with a small disk, and returns its page and
// the home directory of somebody who has never been there.
func serve(t *testing.T) (page, home string) {
	t.Helper()
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	s := repository(t, false)
	s.options.BaseURL = server.URL
	name := s.catalog.Channels[0].Version
	for i := range s.catalog.Versions {
		if v := &s.catalog.Versions[i]; v.Version == name {
			s.options.PublicKey = publish(t, filepath.Join(dir, layout.Version(name)), v)
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
	home = t.TempDir()
	put(t, filepath.Join(home, ".ssh", "id_ed25519.pub"), []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@example.org\n"))
	return string(files[0].Content), home
}

// publish writes the primary disk of a version, its checksum and the
// signature, and returns the public key.
func publish(t *testing.T, dir string, v *layout.VersionManifest) string {
	t.Helper()
	name := v.Images[0].Files[manifest.Disk]
	put(t, filepath.Join(dir, "x"), nil)
	disk := filepath.Join(dir, name)
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", disk, "8M"}}); err != nil {
		t.Fatal(err)
	}
	size, sum, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Files {
		if v.Files[i].Name == name {
			v.Files[i].Size, v.Files[i].SHA256 = size, sum
		}
	}
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sums := []byte(manifest.FormatSums([]manifest.Sum{{SHA256: sum, Name: name}, {SHA256: sum, Name: "elsewhere"}}))
	put(t, filepath.Join(dir, layout.SumsFile), sums)
	put(t, filepath.Join(dir, layout.SignatureFile), minisign.Sign(private, sums))
	return public.String()
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

// TestInTerminal reads the pages in text browsers: the download and its digest
// are among the first forty lines.
func TestInTerminal(t *testing.T) {
	for name, scene := range scenes(t) {
		if name != "full" && name != "example" {
			continue
		}
		page := filepath.Join(write(t, scene), "index.html")
		for _, browser := range []command.Cmd{
			{Name: "w3m", Args: []string{"-dump", "-cols", "80", "-T", "text/html", page}},
			{Name: "lynx", Args: []string{"-dump", "-width=80", page}},
		} {
			out, err := command.Output(t.Context(), browser)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Split(string(out), "\n")
			head := strings.Join(text[:min(40, len(text))], "\n")
			for _, want := range []string{"Download", ".qcow2, 367.5 MiB", "SHA-256"} {
				if !strings.Contains(head, want) {
					t.Errorf("%s, %s: no %q in\n%s", name, browser.Name, want, head)
				}
			}
			if !regexp.MustCompile(`\b[0-9a-f]{64}\b`).MatchString(head) {
				t.Errorf("%s, %s: no digest in\n%s", name, browser.Name, head)
			}
		}
	}
}
