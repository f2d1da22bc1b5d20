package harden

import (
	"errors"
	"strings"
)

// Survey is what a machine has before it is changed.
type Survey struct {
	Packages  []string // names of the installed packages
	Operators []string // who may become root
	Runtime   []string // what serving needs of /srv/amigo
	Tree      []string // what is there, relative to it
}

// surveyScript prints the survey: four parts with a line between them.
const surveyScript = `dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' | sed -n 's/^ii *|//p'
echo '` + stepMark + `'
getent group sudo | cut -d: -f4 | tr , '\n'
echo '` + stepMark + `'
cat /usr/share/amigo-image/runtime.list
echo '` + stepMark + `'
find /srv/amigo -mindepth 1 -printf '%P\n'
`

func parseSurvey(output string) (Survey, error) {
	parts := strings.Split(output, stepMark+"\n")
	if len(parts) != 4 {
		return Survey{}, errors.New("looking at the machine: its answer is incomplete")
	}
	s := Survey{
		Packages: splitLines(parts[0]), Operators: splitLines(parts[1]),
		Runtime: splitLines(parts[2]), Tree: splitLines(parts[3]),
	}
	switch {
	case len(s.Packages) == 0:
		return s, errors.New("looking at the machine: dpkg knows no packages")
	case len(s.Operators) == 0:
		return s, errors.New("looking at the machine: there is no operator, a member of the group sudo (was it made by the amigo provisioner?)")
	case len(s.Runtime) == 0:
		return s, errors.New("looking at the machine: /usr/share/amigo-image/runtime.list is empty (was it made by the amigo provisioner?)")
	}
	return s, nil
}

func splitLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
