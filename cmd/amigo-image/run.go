package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/qemu"
)

// defaultPort is where AmiGO is found if nobody else is there.
const defaultPort = 9999

// runFlags are the flags of run.
type runFlags struct {
	sourceFlags
	variant string
	keep    string
	as      string // name of the machine; what a detached run is told
	report  int    // descriptor for the one who detached this run, or 0
	cpus    int
	memory  int
	port    int
	key     string
	uefi    bool
	open    bool
	detach  bool
	timeout time.Duration
}

const exitStatusRun = `
EXIT STATUS
  0    it ran and has shut down, or with --detach: it runs
  1    it did not come up        2    wrong arguments
  20   the repository cannot be reached
  21   something is not what was signed
  22   no space                  23   this host lacks something
  24   that machine is on        25   there is no such image
  130  interrupted before it was up`

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:     "run [REPOSITORY] [CHANNEL|VERSION|NAME|FILE]",
		GroupID: "use",
		Short:   "start an image and print AmiGO's address",
		Long: `Start a machine from an image and print the address when AmiGO answers a search.
An image that is not here is pulled first. What is changed in the machine goes
when it ends, unless it is kept: with --keep NAME now, and "run NAME" later.
Nobody has a password; your keys in ~/.ssh get in, and "amigo-image ssh" does.
` + exitStatusRun,
		Example: "  amigo-image run stable\n  amigo-image run stable --keep my-test --open\n" +
			"  amigo-image run 2026-11-22 --variant production --detach\n  amigo-image run output/distribution/amigo-distribution.qcow2",
		ValidArgsFunction: completeFiles,
		RunE:              func(c *cobra.Command, args []string) error { return a.run(c, args, &f) },
	}
	flags := c.Flags()
	f.add(flags)
	addVariant(flags, &f.variant)
	flags.StringVar(&f.keep, "keep", "", "keep the machine and its changes under this `NAME`")
	flags.IntVar(&f.cpus, "cpus", 2, "processors of the machine")
	flags.IntVar(&f.memory, "memory", 2048, "memory of the machine in `MiB`")
	flags.IntVar(&f.port, "port", defaultPort, "of this machine's loopback interface, for AmiGO; 0: whichever is free")
	flags.StringVar(&f.key, "ssh-key", "", "the public key `FILE` to let in, instead of all in ~/.ssh")
	flags.BoolVar(&f.uefi, "uefi", false, "boot by UEFI, not BIOS")
	flags.BoolVar(&f.open, "open", false, "open AmiGO in a browser")
	flags.BoolVarP(&f.detach, "detach", "d", false, "leave the machine on; \"amigo-image stop\" ends it")
	flags.DurationVar(&f.timeout, "timeout", 0, "for each wait; else what fits the accelerator")
	flags.StringVar(&f.as, "as", "", "")
	flags.IntVar(&f.report, "report-to", 0, "")
	_ = flags.MarkHidden("as")
	_ = flags.MarkHidden("report-to")
	return c
}

func (a *app) run(c *cobra.Command, args []string, f *runFlags) error {
	rest := args
	if len(args) == 2 {
		rest = f.split(args, 1)
	}
	if len(rest) > 1 {
		return usage("one machine at a time", c.CommandPath()+" "+rest[0])
	}
	settings, err := f.settings(c)
	if err != nil {
		return err
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.reporter("run")
	if err != nil {
		return err
	}
	defer r.close()
	m, err := a.machine(c.Context(), r, store, f, strings.Join(rest, ""))
	if err != nil {
		return err
	}
	if f.detach {
		return a.detach(c, r, f, m, settings)
	}
	return a.launch(c.Context(), r, store, f, m, settings)
}

func (f *runFlags) settings(c *cobra.Command) (launch.Settings, error) {
	s := launch.Settings{CPUs: f.cpus, MemoryMiB: f.memory, Port: f.port, Timeout: f.timeout}
	if f.uefi {
		s.Firmware = qemu.UEFI
	}
	if f.cpus < 1 || f.memory < 256 {
		return s, usage("a machine needs a processor and 256 MiB", c.CommandPath()+" --cpus 2 --memory 2048")
	}
	if f.keep != "" && imagestore.CheckMachine(f.keep) != nil {
		return s, usage(imagestore.CheckMachine(f.keep).Error(), c.CommandPath()+" --keep my-test")
	}
	if f.key == "" {
		home, _ := os.UserHomeDir()
		s.Keys = launch.UserKeys(home)
		return s, nil
	}
	key, err := launch.ReadKey(f.key)
	if err != nil {
		return s, &fault.Error{What: err.Error(), Code: fault.Usage, Try: "--ssh-key ~/.ssh/id_ed25519.pub, which ssh-keygen makes", Err: err}
	}
	s.Keys = []string{key}
	return s, nil
}

// machine finds or describes the machine that is to run.
func (a *app) machine(ctx context.Context, r *reporter, store imagestore.Store, f *runFlags, name string) (imagestore.Machine, error) {
	if err := checkKeep(store, f.keep); err != nil {
		return imagestore.Machine{}, err
	}
	m, found, err := keptMachine(ctx, store, f.keep, name)
	if found || err != nil {
		return m, err
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return fromFile(f, name)
	}
	image, err := a.obtain(ctx, r, store, &f.sourceFlags, wanted{command: "amigo-image run", name: name, variant: f.variant})
	if err != nil {
		return imagestore.Machine{}, err
	}
	if name == "" {
		name = image.Version
	}
	m = newMachine(f, name)
	m.Version, m.Variant, m.Backing, m.BackingFormat = image.Version, image.Variant, image.Disk(), "raw"
	m.Date, m.DOI = image.Manifest.GOlr.Date, image.Manifest.GOlr.DOI
	return m, nil
}

// checkKeep refuses to keep a machine under the name of a channel or version,
// which would stand for both.
func checkKeep(store imagestore.Store, name string) error {
	known, err := store.Known()
	if err != nil {
		return err
	}
	_, channel := known.Channels[name]
	version := layout.CheckVersion(name) == nil
	if !channel && !version {
		return nil
	}
	return usage(fmt.Sprintf("%q is a name for a channel or version", name), "--keep my-"+name)
}

// keptMachine finds a machine that was kept, by the name that is to run or that
// is to be kept. To keep another image under its name is a mistake.
func keptMachine(ctx context.Context, store imagestore.Store, keep, name string) (m imagestore.Machine, found bool, err error) {
	for _, wanted := range []string{name, keep} {
		m, err = store.Machine(ctx, wanted)
		if errors.As(err, new(*imagestore.MissingError)) || err == nil && !m.Kept {
			continue
		}
		switch {
		case err != nil:
		case m.Lives():
			err = &imagestore.MachineBusyError{Machine: m}
		case name != "" && name != wanted:
			err = &fault.Error{What: keep + " is there already", Code: fault.Usage, Try: "amigo-image run " + keep + ", or another name for --keep"}
		}
		return m, true, err
	}
	return imagestore.Machine{}, false, nil
}

func newMachine(f *runFlags, name string) imagestore.Machine {
	m := imagestore.Machine{Name: name, ID: "i-" + strings.ToLower(rand.Text())[:12]}
	if f.as != "" {
		m.Name = f.as
	}
	if f.keep != "" {
		m.Name, m.Kept = f.keep, true
	}
	return m
}

// fromFile describes a machine of an image file, with what the manifest beside
// it says.
func fromFile(f *runFlags, path string) (imagestore.Machine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return imagestore.Machine{}, err
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	m := newMachine(f, base)
	m.Backing, m.Variant, m.BackingFormat = path, f.variant, strings.TrimPrefix(filepath.Ext(path), ".")
	if m.BackingFormat != "qcow2" && m.BackingFormat != "raw" {
		return m, usage(filepath.Base(path)+" is neither .qcow2 nor .raw", "qemu-img convert -O qcow2 "+filepath.Base(path)+" "+base+".qcow2")
	}
	if known, err := manifest.ReadFile(filepath.Join(filepath.Dir(path), manifest.FileName)); err == nil {
		m.Variant, m.Date, m.DOI = known.Variant, known.GOlr.Date, known.GOlr.DOI
	}
	return m, nil
}

// launch runs the machine until it ends.
func (a *app) launch(ctx context.Context, r *reporter, store imagestore.Store, f *runFlags, m imagestore.Machine, s launch.Settings) error {
	held, err := hold(ctx, store, m)
	if err != nil {
		return err
	}
	defer func() { _ = held.Release(ctx) }()
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	if s.Port, err = choosePort(ctx, r, f); err != nil {
		return err
	}
	s.Console = filepath.Join(logs(dir), "console-"+held.Name+".log")
	up := upstream(f.report)
	defer up.close()
	r.say("%s", sheet(held.Machine, s))
	err = launch.Run(ctx, held, s, dir, up.tee(r), func(m imagestore.Machine) {
		up.ready(m)
		a.ready(r, f, m)
	})
	if err != nil {
		err = notUp(ctx, held.Machine, err)
		up.failed(faultOf(err))
		return err
	}
	if ctx.Err() == nil {
		r.say("%s has shut down", held.Name)
	}
	return nil
}

// notUp says what is left of a machine that did not come up.
func notUp(ctx context.Context, m imagestore.Machine, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	f := faultOf(err)
	f.Kept = ""
	if m.Kept {
		f.Kept = "the machine " + m.Name
	}
	return f
}

func hold(ctx context.Context, store imagestore.Store, m imagestore.Machine) (*imagestore.Held, error) {
	if m.Dir != "" { // it was kept
		return store.Hold(ctx, m.Name)
	}
	return store.Create(ctx, m)
}

// choosePort returns the port that was asked for, or another if that was not
// asked for by name.
func choosePort(ctx context.Context, r *reporter, f *runFlags) (int, error) {
	switch {
	case f.port == 0 || launch.FreePort(ctx, f.port):
		return f.port, nil
	case f.port != defaultPort:
		return 0, &fault.Error{What: fmt.Sprintf("port %d is taken", f.port), Code: fault.Other, Try: "--port 0, for whichever is free"}
	}
	for port := defaultPort - 1; port > defaultPort-100; port-- {
		if launch.FreePort(ctx, port) {
			r.say("port %d is taken, using %d", defaultPort, port)
			return port, nil
		}
	}
	return 0, nil
}

// sheet says in a line what is about to run.
func sheet(m imagestore.Machine, s launch.Settings) string {
	what := m.Version
	if what == "" {
		what = filepath.Base(m.Backing)
	} else {
		what = labelOf(m.Version, m.Variant)
	}
	life := "throw-away (--keep NAME keeps changes)"
	if m.Kept {
		life = "kept as " + m.Name
	}
	return fmt.Sprintf("%s, %s, %d CPUs, %s", what, life, s.CPUs, gibibytes(s.MemoryMiB))
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
	SSH string `json:"ssh"` // the command
}

// ready prints how to use the machine.
func (a *app) ready(r *reporter, f *runFlags, m imagestore.Machine) {
	shell := "amigo-image ssh " + m.Name
	if m.SSHPort == 0 || m.HostKey == "" {
		shell = ""
	}
	if a.json {
		_ = r.object(started{"ready", m, launch.SSH(m, nil).String()})
	} else {
		r.settle()
		fmt.Print(address(m, shell))
	}
	end := "Ctrl-C shuts down; --detach leaves it on"
	if f.detach {
		end = "It stays on; amigo-image stop " + m.Name + " ends it"
	}
	r.say("port %d only on this machine. %s", m.Port, end)
	if f.open {
		openBrowser(r, m.URL)
	}
}

func address(m imagestore.Machine, shell string) string {
	text := "\n  Open    " + m.URL + "\n"
	if m.Date != "" {
		text += "  Data    GO release " + m.Date
		if m.DOI != "" {
			text += ", doi " + m.DOI
		}
		text += "\n"
	}
	if shell != "" {
		text += "  Shell   " + shell + "\n"
	}
	return text + "\n"
}

func openBrowser(r *reporter, url string) {
	if _, err := command.Detach(command.Cmd{Name: "xdg-open", Args: []string{url}}); err != nil {
		r.say("warning: no browser was opened: %v", err)
	}
}
