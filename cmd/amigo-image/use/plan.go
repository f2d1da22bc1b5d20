package use

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// sheet is what is about to run.
type sheet struct {
	Type string `json:"type"` // "plan"
	imagestore.Machine
	CPUs      int           `json:"cpus"`
	MemoryMiB int           `json:"memory_mib"`
	Firmware  qemu.Firmware `json:"firmware"`
	Wanted    int           `json:"wanted_port"` // which may be taken: Port is what it gets
}

func plan(m imagestore.Machine, s launch.Settings, wanted int) sheet {
	m.Port = s.Port
	_, a := layout.SplitVariant(m.Variant)
	return sheet{"plan", m, s.CPUs, s.MemoryMiB, cmp.Or(s.Firmware, qemu.Firmwares(a)[0]), wanted}
}

// showPlan tells what is about to run.
func showPlan(r *cli.Reporter, s sheet) {
	_ = r.Object(s)
	for _, line := range s.lines() {
		r.Say("  %s", line)
	}
}

// lines are for people.
func (s sheet) lines() []string {
	image := filepath.Base(s.Backing)
	if s.Version != "" {
		image = labelOf(s.Version, s.Variant)
	}
	if s.Date != "" || s.DOI != "" {
		image += ", " + dataOf(s.Date, s.DOI)
	}
	changes := "thrown away when it ends (--keep NAME keeps them)"
	if s.Kept {
		changes = "kept: amigo-image run " + s.Name + " starts it again"
	}
	port := fmt.Sprintf("%d, on this computer only", s.Port)
	switch s.Port {
	case 0:
		port = "any that is free, on this computer only"
	case s.Wanted:
	default:
		port += fmt.Sprintf(" (%d is taken)", s.Wanted)
	}
	return []string{
		"Image   " + image,
		fmt.Sprintf("Machine %s, %d CPUs, %s, %s", s.Name, s.CPUs, gibibytes(s.MemoryMiB), strings.ToUpper(string(s.Firmware))),
		"Changes " + changes,
		"Port    " + port,
	}
}

func gibibytes(mebibytes int) string {
	if mebibytes%1024 == 0 {
		return fmt.Sprintf("%d GiB", mebibytes/1024)
	}
	return fmt.Sprintf("%d MiB", mebibytes)
}

// started is a machine that is up, for programs.
type started struct {
	Type string `json:"type"`
	imagestore.Machine
	Example bool   `json:"example,omitempty"`    // its data are not a release, and must not be cited
	SSH     string `json:"ssh,omitempty"`        // the command
	Config  string `json:"ssh_config,omitempty"` // the file
}

func newStarted(kind string, m imagestore.Machine) started {
	s := started{Type: kind, Machine: m, Example: manifest.IsExample(m.DOI)}
	if m.TakesSSH() {
		s.SSH, s.Config = launch.SSH(m, nil).String(), m.Path(imagestore.SSHFile)
	}
	return s
}

// showReady prints how to use the machine.
func showReady(r *cli.Reporter, f *runFlags, m imagestore.Machine) {
	_ = r.Result(newStarted("ready", m), addressOf(m))
	end := "Ctrl-C shuts it down; --detach keeps it running"
	if f.detach {
		end = "It keeps running; amigo-image stop " + m.Name + " shuts it down"
	}
	r.Say("Only this computer can reach port %d. %s", m.Port, end)
	if f.open {
		openBrowser(r, m.URL)
	}
}

// dataOf names data that have a date. A release of GO's has a DOI.
func dataOf(date, doi string) string {
	words := manifest.Words(date, doi)
	if manifest.IsExample(doi) || doi == "" {
		return words
	}
	return "GO release " + words
}

func addressOf(m imagestore.Machine) string {
	text := "\n  Open    " + m.URL + "\n"
	if m.Date != "" || m.DOI != "" {
		text += "  Data    " + dataOf(m.Date, m.DOI) + "\n"
	}
	if m.TakesSSH() {
		text += "  Shell   amigo-image ssh " + m.Name + "\n"
	}
	return text
}

// openBrowser opens a page in the browser that BROWSER names, or the desktop's.
func openBrowser(r *cli.Reporter, url string) {
	browser := cmp.Or(os.Getenv("BROWSER"), "xdg-open")
	if _, err := command.Detach(command.Cmd{Name: browser, Args: []string{url}}); err != nil {
		r.Say("warning: no browser was opened: %v", err)
	}
}

// showLate tells that a machine is on, but not what it should be.
func showLate(a *cli.App, r *cli.Reporter, m imagestore.Machine, late *launch.LateError) {
	f := cli.FaultOf(late)
	a.Word(f)
	_ = r.Object(struct {
		started
		What  string `json:"what"`
		Where string `json:"where"`
		Try   string `json:"try"`
	}{newStarted("degraded", m), f.What, f.Where, f.Try})
	var text strings.Builder
	_ = f.Write(&text)
	r.Say("degraded: %s", strings.TrimSpace(strings.TrimPrefix(text.String(), "error: ")))
	r.Say("Still waiting for it. Ctrl-C shuts it down")
}
