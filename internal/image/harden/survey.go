package harden

import (
	"errors"
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

// Survey is what a machine has before it is changed.
type Survey struct {
	Distro    *distro.Distro
	Release   distro.Release
	Packages  []string // names of the installed packages
	Operators []string // who may become root
	Runtime   []string // what serving needs of /srv/amigo
	Tree      []string // what is there, relative to it
}

// surveyScript prints the survey: five parts with a line between them.
const surveyScript = distro.Ask + `echo '` + stepMark + `'
dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' | sed -n 's/^ii *|//p'
echo '` + stepMark + `'
getent group sudo | cut -d: -f4 | tr , '\n'
echo '` + stepMark + `'
cat /usr/share/amigo-image/runtime.list
echo '` + stepMark + `'
find /srv/amigo -mindepth 1 -printf '%P\n'
`

func parseSurvey(output string) (Survey, error) {
	parts := strings.Split(output, stepMark+"\n")
	if len(parts) != 5 {
		return Survey{}, errors.New("looking at the machine: its answer is incomplete")
	}
	system, release, err := distro.Told(parts[0])
	if err != nil {
		return Survey{}, fmt.Errorf("looking at the machine: its system can't be hardened: %w", err)
	}
	s := Survey{
		Distro: system, Release: release, Packages: splitLines(parts[1]), Operators: splitLines(parts[2]),
		Runtime: splitLines(parts[3]), Tree: splitLines(parts[4]),
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
