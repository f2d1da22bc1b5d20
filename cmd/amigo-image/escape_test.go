package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec" //nolint:depguard // a terminal of its own needs a command of its own
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/creack/pty"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// hostileText is what a terminal obeys, or what turns what a person reads:
// clear the screen, set the title, ring, C1's CSI, and bidirectional marks.
const hostileText = "x\x1b[2J\x1b]0;title\a\r\u009b31m\u202egnp\u2066.\u200f\ufeff\U000e0041y"

// hostileRepository is a repository whose publisher has signed all of that,
// past what our own publisher refuses.
func hostileRepository(t *testing.T) string {
	t.Helper()
	s := publishTwo(t, time.Now().Add(-time.Hour))
	load := func(_ context.Context, path string, _ int64) ([]byte, error) {
		return os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(path)))
	}
	state, err := tuf.Load(t.Context(), s.ring, load)
	if err != nil {
		t.Fatal(err)
	}
	edits := map[string]tuf.ChannelEdit{}
	for channel, version := range map[string]string{"stable": "2026-11-15", "nightly": "2026-11-22"} {
		c, _, err := state.Channel(channel)
		if err != nil {
			t.Fatal(err)
		}
		c.Channel = channel
		reference := rewriteManifest(t, s.dir, version)
		move := layout.Move{Action: layout.Promoted, Version: version, Manifest: reference, At: s.now, By: hostileText, Reason: hostileText}
		edits[channel] = tuf.ChannelEdit{
			State: c.Moved(move), Targets: map[string]layout.Reference{layout.Version(version, layout.ManifestFile): reference},
		}
	}
	files, _, err := state.Next(s.ring, tuf.DefaultPolicy(), s.now, edits)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(file.Path)), file.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s.dir
}

// rewriteManifest puts the text into all that a version's manifest says.
func rewriteManifest(t *testing.T, dir, version string) layout.Reference {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(layout.Version(version, layout.ManifestFile)))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := layout.DecodeVersion(content)
	if err != nil {
		t.Fatal(err)
	}
	v.AmiGO.Version, v.AmiGO.Commit, v.AmiGO.Source = hostileText, hostileText, "https://example.org/"+hostileText
	v.GOlr.Date, v.GOlr.DOI, v.System.Name, v.System.Kernel, v.Tool.Version = hostileText, hostileText, hostileText, hostileText, hostileText
	if content, err = json.Marshal(v); err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return layout.Reference{Size: int64(len(content)), SHA256: manifest.Digest(content)}
}

// obeyed returns the first character of an output that a terminal would obey.
func obeyed(text string) (rune, bool) {
	for _, r := range text {
		if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r, true
		}
	}
	return 0, false
}

// showing are commands that show what a publisher has signed.
var showing = []string{
	"list", "list --all", "info stable", "info nightly", "diff stable nightly", "diff --format markdown stable nightly",
	"verify stable", "pull stable", "pull nightly", "info stabel'\x1b[2J'", "pull 'a\u202eb'", "'\u009b31m'", "list --'\x1b[2J'",
	"verify 'no\x1b[2Jfile'", "run 'no\x1b[2Jfile.qcow2'", "gc --dry-run",
}

func TestEscapes(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(hostileRepository(t))))
	t.Cleanup(server.Close)
	p := newPerson(t)
	t.Setenv("AMIGO_IMAGE_REPOSITORY", server.URL)
	for _, line := range showing {
		for _, json := range []string{"", " --json"} {
			_, out, errs := p.types("amigo-image " + line + json)
			if r, ok := obeyed(out + errs); ok {
				t.Errorf("%q shows %U:\n%q", line+json, r, out+errs)
			}
		}
	}
	_, out, _ := p.types("amigo-image info stable")
	if !strings.Contains(out, `\x1b[2J`) || !strings.Contains(out, `\u202e`) {
		t.Errorf("the escapes are not shown:\n%s", out)
	}
	_, out, _ = p.types("amigo-image info stable --json")
	if !jsonHolds(out, hostileText) {
		t.Errorf("JSON does not say what was signed:\n%s", out)
	}
}

// jsonHolds tells whether some string in lines of JSON is, or holds, a text.
func jsonHolds(lines, text string) bool {
	decoder := json.NewDecoder(strings.NewReader(lines))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if s, ok := token.(string); ok && strings.Contains(s, text) {
			return true
		}
	}
}

// On a terminal there are sequences of our own, and none of others.
func TestEscapesOnATerminal(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(hostileRepository(t))))
	t.Cleanup(server.Close)
	p := newPerson(t)
	for _, line := range []string{"list", "info stable", "pull nightly", "verify stable"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "amigo-image "+line)
		cmd.Env = append(append(os.Environ(), p.environ()...), "AMIGO_IMAGE_REPOSITORY="+server.URL, "TERM=xterm")
		f, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := io.ReadAll(f)
		if err != nil && len(shown) == 0 {
			t.Fatal(err)
		}
		_ = errors.Join(cmd.Wait(), f.Close())
		for _, own := range []string{"\x1b[2J", "\x1b]", "\a", "\u009b", "\u202e", "\u2066", "\ufeff", "\U000e0041"} {
			if strings.Contains(string(shown), own) {
				t.Errorf("%s shows %q:\n%q", line, own, shown)
			}
		}
	}
}
