// Package doctable reads the tables of docs/compatibility.md, so that tests can compare
// them with the program.
package doctable

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// What the second column says.
const (
	Same   = "same"
	Better = "better"
	No     = "no"
)

var quoted = regexp.MustCompile("([a-z][a-z -]* )?`([^`]+)`")

// Read returns the names in the first columns of the tables below a heading of a file,
// with what the second says of them. A name is what is in backquotes, and what is before it
// since the last comma.
func Read(file, heading string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		return nil, fmt.Errorf("%s has no heading %q", file, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	names := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		status := strings.TrimSpace(cells[2])
		if status != Same && status != Better && status != No {
			return nil, fmt.Errorf("%s: %q is not a status", file, status)
		}
		for _, match := range quoted.FindAllStringSubmatch(cells[1], -1) {
			name := match[1] + match[2]
			if names[name] != "" {
				return nil, fmt.Errorf("%s has %q twice", file, name)
			}
			names[name] = status
		}
	}
	return names, nil
}
