//go:build vm

package catalog

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// line is a command on a page, and what the page says that it prints.
type line struct {
	section     string // id of the heading that it is under
	shell, text string
	part        bool // of another command
	prints      []string
}

var (
	pageParts = regexp.MustCompile(`(?s)<h[2-4] id="([\w-]+)">|` +
		`<pre data-shell="(\w+)"( data-part)?><code>(.*?)</code></pre>(?:\s*<p class="then">(.*?)</p>)?`)
	printed = regexp.MustCompile(`<samp>(.*?)</samp>`)
)

// sections returns the commands of a page, from top to bottom, by section.
func sections(page string) [][]line {
	var all [][]line
	section := ""
	for _, found := range pageParts.FindAllStringSubmatch(page, -1) {
		if found[1] != "" {
			section = found[1]
			continue
		}
		one := line{section: section, shell: found[2], text: html.UnescapeString(found[4]), part: found[3] != ""}
		for _, samp := range printed.FindAllStringSubmatch(found[5], -1) {
			one.prints = append(one.prints, html.UnescapeString(samp[1]))
		}
		if last := len(all) - 1; last >= 0 && all[last][0].section == section {
			all[last] = append(all[last], one)
		} else {
			all = append(all, []line{one})
		}
	}
	return all
}

// visitor is somebody who has never been at the page.
type visitor struct {
	home string
	env  []string
}

// paste gives a text to a shell, with [clients], and returns what it printed.
func (v visitor) paste(t *testing.T, shell, text, stdin string) string {
	t.Helper()
	var out strings.Builder
	c := command.Cmd{
		Name: shell, Args: []string{"-eu", "-o", "pipefail", "-c", clients + text}, Dir: v.home, Env: v.env,
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out,
	}
	if err := command.Run(t.Context(), c); err != nil {
		t.Errorf("%s\n%v\n%s", text, err, out.String())
	}
	return out.String()
}

// parse has a shell read a text that it does not run.
func (v visitor) parse(t *testing.T, shell, text string) {
	t.Helper()
	if err := command.Run(t.Context(), command.Cmd{Name: shell, Args: []string{"-n", "-c", text}, Dir: v.home}); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
}

// pwsh is a Python that has a grammar of PowerShell, which itself is not in
// Debian.
const pwsh = "../../../../build/powershell/bin/python"

// fromPowerShell returns the commands of a PowerShell text that Debian has,
// too, as bash is to be given them.
func fromPowerShell(t *testing.T, text string) string {
	t.Helper()
	out := strings.Builder{}
	err := command.Run(t.Context(), command.Cmd{
		Name: pwsh, Args: []string{"testdata/powershell.py"}, Stdin: strings.NewReader(text), Stdout: &out,
	})
	if err != nil {
		t.Fatalf("%s\nis not PowerShell, or its grammar is missing (try: make powershell): %v", text, err)
	}
	var commands [][]string
	if err := json.Unmarshal([]byte(out.String()), &commands); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, words := range commands {
		name, found := strings.CutSuffix(words[0][strings.LastIndex(words[0], `\`)+1:], ".exe")
		if words[0] == "Get-FileHash" {
			name, found = "sha256sum", true
		}
		if found {
			script.WriteString(command.Cmd{Name: name, Args: words[1:]}.String() + "\n")
		}
	}
	return strings.TrimSpace(script.String())
}
