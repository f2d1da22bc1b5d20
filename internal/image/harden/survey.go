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
func surveyScript() string {
	return distro.Prelude() + strings.Join([]string{
		distro.Ask,
		"list_packages\n",
		"getent group \"$operators\" | cut -d: -f4 | tr , '\\n'\n",
		"cat /usr/share/amigo-image/runtime.list\n",
		"find /srv/amigo -mindepth 1 -printf '%P\\n'\n",
	}, "echo '"+stepMark+"'\n")
}

func parseSurvey(output string) (Survey, error) {
	parts := strings.Split(output, stepMark+"\n")
	if len(parts) != 5 {
		return Survey{}, errors.New("looking at the machine: its answer is incomplete")
	}
	system, release, err := distro.Told(parts[0])
	if err != nil {
		return Survey{}, fmt.Errorf("looking at the machine: its system can't be hardened: %w", err)
	}
	if len(system.Packages.Production) == 0 {
		return Survey{}, fmt.Errorf("%s has no production variant yet (see docs/guests.md)", system.Title)
	}
	s := Survey{
		Distro: system, Release: release, Packages: distro.Named(parts[1]), Operators: splitLines(parts[2]),
		Runtime: splitLines(parts[3]), Tree: splitLines(parts[4]),
	}
	switch {
	case len(s.Packages) == 0:
		return s, errors.New("looking at the machine: it has no packages")
	case len(s.Operators) == 0:
		return s, fmt.Errorf("looking at the machine: there is no operator, a member of the group %s (was it made by the amigo provisioner?)", system.Operators)
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
