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
		dir := write(t, scene)
		for _, page := range []string{"index.html", "servers.html"} {
			for _, browser := range textBrowsers(filepath.Join(dir, page)) {
				t.Run(name+"/"+page+"/"+browser.Name, func(t *testing.T) { readHead(t, browser) })
			}
		}
	}
}

// textBrowsers are those that print a page.
func textBrowsers(page string) []command.Cmd {
	return []command.Cmd{
		{Name: "w3m", Args: []string{"-dump", "-cols", "80", "-T", "text/html", page}},
		{Name: "lynx", Args: []string{"-dump", "-width=80", page}},
	}
}

// readHead looks for what a reader needs first in the first forty lines.
func readHead(t *testing.T, browser command.Cmd) {
	t.Helper()
	out, err := command.Output(t.Context(), browser)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Split(string(out), "\n")
	head := strings.Join(text[:min(40, len(text))], "\n")
	for _, want := range []string{"Download", "SHA-256"} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
	for _, want := range []*regexp.Regexp{download, sha256sum} {
		if !want.MatchString(head) {
			t.Errorf("no %s in\n%s", want, head)
		}
	}
}
