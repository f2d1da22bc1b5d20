package use

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// report is what a detached run tells the one who started it: one of these at a
// time.
type report struct {
	Plan  *sheet              `json:"plan,omitempty"`
	Event *event.Event        `json:"event,omitempty"`
	Ready *imagestore.Machine `json:"ready,omitempty"`
	Fault *fault.Error        `json:"fault,omitempty"`
	Do    fault.Try           `json:"do,omitzero"` // of the fault: worded by who started this
}

// reportFile is the descriptor of the pipe in a detached run.
const reportFile = 3

// runDetached runs the machine in a process of its own and waits until it is up.
func runDetached(c *cobra.Command, r *cli.Reporter, f *runFlags, m imagestore.Machine) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer func() { _ = out.Close() }()
	child, err := command.Detach(command.Cmd{Name: self, Args: f.childArguments(m)}, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-c.Context().Done():
			_ = child.Signal(syscall.SIGTERM)
		case <-stop:
		}
	}()
	return followDetached(c, r, f, out)
}

// childArguments are those of the detached run. What it needs is here by now.
func (f *runFlags) childArguments(m imagestore.Machine) []string {
	image := whichIs(m.Variant)
	args := []string{
		"run", startedAs(m), "--detach=false", "--quiet", "--offline", "--report-to=" + strconv.Itoa(reportFile), "--as=" + m.Name, "--variant=" + image.variant, "--arch=" + image.arch,
		"--cpus=" + strconv.Itoa(f.cpus), "--memory=" + strconv.Itoa(f.memory),
		"--uefi=" + strconv.FormatBool(f.uefi), "--timeout=" + f.timeout.String(),
	}
	if f.fixed {
		args = append(args, "--port="+strconv.Itoa(f.port))
	}
	if f.key != "" {
		args = append(args, "--ssh-key="+f.key)
	}
	if f.keep != "" && m.Dir == "" {
		args = append(args, "--keep="+f.keep)
	}
	return args
}

// startedAs is what "run" calls a machine, or the image that it comes from.
func startedAs(m imagestore.Machine) string {
	switch {
	case m.Dir != "":
		return m.Name
	case m.Version != "":
		return m.Version
	}
	return m.Backing
}

// followDetached shows what the detached run tells, until it is up or has failed.
func followDetached(c *cobra.Command, r *cli.Reporter, f *runFlags, from io.Reader) error {
	decoder := json.NewDecoder(from)
	for {
		var told report
		err := decoder.Decode(&told)
		switch {
		case err != nil && c.Context().Err() != nil:
			return context.Cause(c.Context())
		case err != nil:
			return &fault.Error{What: "the machine's process has ended without a word", Try: "the same without --detach", Code: fault.Other, Err: err}
		case told.Plan != nil:
			showPlan(r, *told.Plan)
		case told.Event != nil:
			r.Emit(*told.Event)
		case told.Fault != nil && c.Context().Err() != nil:
			return context.Cause(c.Context())
		case told.Fault != nil:
			told.Fault.Do = told.Do
			return told.Fault
		case told.Ready != nil:
			showReady(r, f, *told.Ready)
			return nil
		}
	}
}

// reportPipe is the way from a detached run to who started it; without one it does
// nothing.
type reportPipe struct{ file *os.File }

func openReportPipe(descriptor int) *reportPipe {
	if descriptor != reportFile {
		return &reportPipe{}
	}
	return &reportPipe{file: os.NewFile(reportFile, "report")}
}

func (u *reportPipe) tell(told report) {
	if u.file != nil {
		_ = json.NewEncoder(u.file).Encode(told)
	}
}

// end tells the fault of a run that has one, and that nothing more comes.
func (u *reportPipe) end(err error) {
	if u.file == nil {
		return
	}
	if err != nil {
		f := cli.FaultOf(err)
		u.tell(report{Fault: f, Do: f.Do})
	}
	_ = u.file.Close()
	u.file = nil
}

// tee emits to the one who started this, too.
func (u *reportPipe) tee(r *cli.Reporter) event.Sink {
	if u.file == nil {
		return r
	}
	return terminal.Tee(keepOpen{r}, reportSink{u})
}

type keepOpen struct{ event.Sink }

func (keepOpen) Close() error { return nil }

type reportSink struct{ *reportPipe }

func (s reportSink) Emit(e event.Event) { s.tell(report{Event: &e}) }

func (reportSink) Close() error { return nil }
