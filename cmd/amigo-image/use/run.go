package use

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// usualMemory is that of a machine whose image does not say what it needs, in MiB.
const usualMemory = 2048

// defaultPort is where AmiGO is found if nobody else is there.
const defaultPort = 9999

// runFlags are the flags of run.
type runFlags struct {
	sourceFlags
	which
	keep    string
	as      string // name of the machine; what a detached run is told
	report  int    // descriptor for the one who detached this run, or 0
	cpus    int
	memory  int
	port    int
	fixed   bool // the port was asked for
	key     string
	data    string // file of a disk with data, for an image that is a file
	uefi    bool
	open    bool
	detach  bool
	timeout time.Duration
}

const exitStatusRun = `
EXIT STATUS
  0    it ran and has shut down, or with --detach, it is running
  1    it did not come up, or not in time
  2    wrong arguments
  20   the repository cannot be reached
  21   something is not what was signed
  22   no space                  23   this host lacks something
  24   it is already running     25   there is no such image
  130  interrupted before it was up`

func newRunCommand(a *cli.App) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:     "run [REPOSITORY] [CHANNEL|VERSION|NAME|FILE]",
		GroupID: "use",
		Short:   "start a machine from an image and print AmiGO's address",
		Long: `Start a machine from an image, and print its address as soon as AmiGO answers a
search. An image that is not here yet is pulled first. Given only a repository,
run takes its first channel.

Changes made in the machine are lost when it shuts down, unless you keep them:
use --keep NAME now and "run NAME" later. There are no passwords: log in with
your keys in ~/.ssh, or with "amigo-image ssh".

A machine that is not ready in time keeps running, "degraded", and run keeps
waiting for it. With --detach that is an error; "amigo-image wait" resumes
waiting.
` + exitStatusRun,
		Example: "  amigo-image run stable\n  amigo-image run stable --keep my-test --open\n" +
			"  amigo-image run 2026-11-22 --variant production --detach\n  amigo-image run output/distribution/amigo-distribution.qcow2",
		ValidArgsFunction: completeFiles,
		RunE:              func(c *cobra.Command, args []string) error { return runRun(a, c, args, &f) },
	}
	flags := c.Flags()
	f.sourceFlags.add(flags)
	f.addOffline(flags)
	f.which.add(flags)
	flags.StringVar(&f.keep, "keep", "", "keep the machine and its changes under this `NAME`")
	flags.IntVar(&f.cpus, "cpus", 2, "number of processors")
	flags.IntVar(&f.memory, "memory", 0, "memory in `MiB` (default: what the image was tested with, else 2048)")
	cli.IntBetweenVar(flags, &f.port, "port", defaultPort, 0, 65535, "port of AmiGO on this computer's loopback interface; 0 picks a free one")
	flags.StringVar(&f.key, "ssh-key", "", "authorize only the public key in this `FILE`, not all in ~/.ssh")
	flags.StringVar(&f.data, "data", "", "the disk with the data, if the image is a `FILE` without them (default: ../data beside it)")
	flags.BoolVar(&f.uefi, "uefi", false, "boot with UEFI instead of BIOS; arm64 has only UEFI")
	flags.BoolVar(&f.open, "open", false, "open AmiGO in a browser ($BROWSER or the default one)")
	flags.BoolVarP(&f.detach, "detach", "d", false, "leave the machine running; stop it with \"amigo-image stop\"")
	cli.DurationVar(flags, &f.timeout, "timeout", "how long each wait may take (default: depends on the accelerator)")
	flags.StringVar(&f.as, "as", "", "")
	flags.IntVar(&f.report, "report-to", 0, "")
	_ = flags.MarkHidden("as")
	_ = flags.MarkHidden("report-to")
	cli.Deliberate(flags, "keep", "as", "report-to")
	return c
}

func runRun(a *cli.App, c *cobra.Command, args []string, f *runFlags) error {
	if err := checkFiles(append(slices.Clone(args), f.data)); err != nil {
		return err
	}
	rest, err := f.located(c, args)
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return cli.Usage("one machine at a time", c.CommandPath()+" "+rest[0])
	}
	f.fixed = c.Flags().Changed("port")
	settings, err := f.settings(c)
	if err != nil {
		return err
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("run")
	if err != nil {
		return err
	}
	defer r.Close()
	m, err := findMachine(c.Context(), r, store, f, strings.Join(rest, ""))
	if err != nil {
		return err
	}
	f.memory = cmp.Or(f.memory, m.Tested, usualMemory)
	settings.MemoryMiB = f.memory
	if f.detach {
		return runDetached(c, r, f, m)
	}
	return launchMachine(c.Context(), a, r, store, f, m, settings)
}

// located takes a repository's location off the front of arguments. The path of
// an image file is none.
func (f *runFlags) located(c *cobra.Command, args []string) ([]string, error) {
	if len(args) == 1 {
		if info, err := os.Stat(args[0]); err == nil && !info.IsDir() {
			return args, nil
		}
	}
	return f.split(c, args, 1)
}

func (f *runFlags) settings(c *cobra.Command) (launch.Settings, error) {
	s := launch.Settings{CPUs: f.cpus, MemoryMiB: f.memory, Port: f.port, Timeout: f.timeout}
	if f.uefi {
		s.Firmware = qemu.UEFI
	}
	if f.cpus < 1 || c.Flags().Changed("memory") && f.memory < 256 {
		return s, cli.Usage("a machine needs a processor and 256 MiB", c.CommandPath()+" --cpus 2 --memory 2048")
	}
	if f.keep != "" && imagestore.CheckMachine(f.keep) != nil {
		return s, cli.Usage(imagestore.CheckMachine(f.keep).Error(), c.CommandPath()+" --keep my-test")
	}
	if f.key == "" {
		home, _ := os.UserHomeDir()
		s.Keys = launch.UserKeys(home)
		return s, nil
	}
	key, err := launch.ReadKey(f.key)
	if err != nil {
		return s, &fault.Error{What: err.Error(), Code: fault.Usage, Try: "ssh-keygen -t ed25519   # makes ~/.ssh/id_ed25519.pub, which gets in without a flag", Err: err}
	}
	s.Keys = []string{key}
	return s, nil
}

// launchMachine runs the machine until it ends.
func launchMachine(ctx context.Context, a *cli.App, r *cli.Reporter, store imagestore.Store, f *runFlags, m imagestore.Machine, s launch.Settings) (err error) {
	up := openReportPipe(f.report)
	defer func() { up.end(err) }()
	held, err := holdMachine(ctx, store, m)
	if err != nil {
		return err
	}
	defer func() { _ = held.Release(ctx) }()
	dir, err := cli.CacheDir()
	if err != nil {
		return err
	}
	if s.Port, err = f.choosePort(ctx, m); err != nil {
		return err
	}
	s.Console = consoleOf(dir, held.Name)
	sweepConsoles(ctx, store, dir)
	planned := plan(held.Machine, s, f.port)
	up.tell(report{Plan: &planned})
	showPlan(r, planned)
	err = launch.Run(ctx, held, s, dir, up.tee(r), launch.Told{
		Ready: func(m imagestore.Machine) {
			up.tell(report{Ready: &m})
			up.end(nil)
			showReady(r, f, m)
		},
		Late: func(m imagestore.Machine, late *launch.LateError) {
			up.end(late)
			showLate(a, r, m, late)
		},
	})
	if err != nil {
		return notUp(ctx, held.Machine, err)
	}
	if ctx.Err() == nil {
		r.Say("%s has shut down", held.Name)
	}
	return nil
}

// notUp says what is left of a machine that did not come up.
func notUp(ctx context.Context, m imagestore.Machine, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	f := cli.FaultOf(err)
	f.Kept = ""
	if m.Kept {
		f.Kept = "the machine " + m.Name
	}
	return f
}

// choosePort returns the port that was asked for, or one that is free if none
// was.
func (f *runFlags) choosePort(ctx context.Context, m imagestore.Machine) (int, error) {
	switch {
	case f.port == 0 || launch.FreePort(ctx, f.port):
		return f.port, nil
	case f.fixed:
		free := command.Cmd{Name: "amigo-image", Args: []string{"run", startedAs(m), "--port", "0"}}
		return 0, &fault.Error{What: fmt.Sprintf("port %d is taken", f.port), Code: fault.Other, Try: free.String() + "   # whichever is free"}
	}
	for port := defaultPort - 1; port > defaultPort-100; port-- {
		if launch.FreePort(ctx, port) {
			return port, nil
		}
	}
	return 0, nil
}
