//go:build vm

package catalog

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

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
			if !sha256sum.MatchString(head) {
				t.Errorf("%s, %s: no digest in\n%s", name, browser.Name, head)
			}
		}
	}
}
