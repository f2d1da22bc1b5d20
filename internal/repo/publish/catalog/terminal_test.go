//go:build vm

package catalog

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

var download = regexp.MustCompile(`\.qcow2, \d+ MiB`)

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
			for _, want := range []string{"Download", "SHA-256"} {
				if !strings.Contains(head, want) {
					t.Errorf("%s, %s: no %q in\n%s", name, browser.Name, want, head)
				}
			}
			for _, want := range []*regexp.Regexp{download, sha256sum} {
				if !want.MatchString(head) {
					t.Errorf("%s, %s: no %s in\n%s", name, browser.Name, want, head)
				}
			}
		}
	}
}
