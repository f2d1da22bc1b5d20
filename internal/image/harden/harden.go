// Package harden turns a distribution image into a production image, by a
// small set of changes. They are made on this host, in the image's root file
// system, or to a running machine over SSH.
//
// What changes is in [Changes], one entry a change, and in the directory
// files, which holds the files that the image gets as they are there.
package harden

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Shell is a way into the machine that is changed. [guest.Guest] is one.
type Shell interface {
	Run(ctx context.Context, script string, out io.Writer) error
	Upload(ctx context.Context, r io.Reader, size int64, path, mode string) error
}

// Change is one change: shell commands for root, which leave things as they
// are when they have been run before.
type Change struct {
	Name   string // what a person reads
	Script string
}

// Changes returns the changes that the machine needs, in their order.
func Changes(s Survey, set Settings) []Change {
	changes := []Change{
		{"the services stop", stopServices},
		{"source tree and caches go", removeLeftovers},
		{"build tools go", s.Distro.Manager.PurgePackages(s.Unwanted())},
		{"what production needs comes", s.Distro.Manager.InstallPackages(s.missing())},
		{"configuration comes", unpackFiles},
		{"the start page tells who may log in", startPage},
		{"who reboots is decided", set.reboot()},
		{"beta and verbose flags go off", flagsOff},
		{"passwords are locked", lockAccounts(s.Operators)},
		{"services start by themselves", enableUnits(s.units())},
		{"everything is checked", verify + s.Distro.Manager.CheckPackages(s.Distro.ServingOf(s.Packages))},
	}
	return slices.DeleteFunc(changes, func(c Change) bool { return c.Script == "" })
}

// Where the uploaded archive is on the guest, and the list of paths to remove
// in it.
const (
	archivePath = "/run/amigo-production.tar"
	removeList  = "run/amigo-production.remove"
)

// stepMark begins a line that tells the name of a change.
const stepMark = "@@amigo@@ "

// Script returns all changes as one shell script, because each SSH session
// costs an emulated machine seconds. It is one compound command, which a shell
// that reads it from its input has read whole before a program can.
func Script(changes []Change) string {
	var script strings.Builder
	script.WriteString("{\nexport DEBIAN_FRONTEND=noninteractive LC_ALL=C\ncd /\n")
	for _, c := range changes {
		fmt.Fprintf(&script, "\necho '%s%s'\n%s", stepMark, c.Name, c.Script)
	}
	return script.String() + "} </dev/null\n"
}

// Apply makes the changes to the machine: it looks at it, copies an archive
// to it, runs one script. Progress goes to phase.
func Apply(ctx context.Context, g Shell, set Settings, phase *event.Phase) error {
	survey, err := look(ctx, g)
	if err != nil {
		return err
	}
	return apply(ctx, g, survey, set, phase)
}

func look(ctx context.Context, g Shell) (Survey, error) {
	var seen bytes.Buffer
	if err := g.Run(ctx, surveyScript(), &seen); err != nil {
		return Survey{}, fmt.Errorf("looking at the machine: %w", err)
	}
	return parseSurvey(seen.String())
}

func apply(ctx context.Context, g Shell, survey Survey, set Settings, phase *event.Phase) error {
	left := Leftovers(survey.Runtime, survey.Tree)
	archive, err := pack(left, survey.Operators[0])
	if err != nil {
		return err
	}
	if err := g.Upload(ctx, bytes.NewReader(archive), int64(len(archive)), archivePath, "0600"); err != nil {
		return err
	}
	phase.Say(fmt.Sprintf("%d packages and %d paths to remove", len(survey.Unwanted()), len(left)))
	if err := g.Run(ctx, Script(Changes(survey, set)), lines(phase)); err != nil {
		return fmt.Errorf("hardening the image: %w", err)
	}
	return nil
}

// lines shows the names of changes, and keeps what programs say for the log.
func lines(phase *event.Phase) io.Writer {
	return event.NewLines(func(line string) {
		if name, ok := strings.CutPrefix(line, stepMark); ok {
			phase.Say(name)
			return
		}
		phase.Detail(line)
	})
}
