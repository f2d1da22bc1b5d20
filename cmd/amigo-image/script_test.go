package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestMain(m *testing.M) {
	if asPlugin() {
		return
	}
	testscript.Main(m, map[string]func(){
		"amigo-image": func() {
			status := run(os.Args[1:], testRegistry())
			writeCoverage(m)
			os.Exit(status)
		},
	})
}

// coverageVariable names the directory for what commands cover, which "make
// coverage" sets. GOCOVERDIR is go test's own.
const coverageVariable = "AMIGO_TEST_COVERAGE"

// passCoverage makes a script's commands write what they cover, if that is asked
// for: scripts have an environment of their own.
func passCoverage(e *testscript.Env) { e.Setenv(coverageVariable, os.Getenv(coverageVariable)) }

// writeCoverage writes what the command covered: a test's own profile has only what
// its own process did, and only package testing can write one, at the end of a run.
func writeCoverage(m *testing.M) {
	dir := os.Getenv(coverageVariable)
	if dir == "" {
		return
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	os.Stdout, os.Stderr = null, null
	os.Args = []string{os.Args[0], "-test.run=^$", "-test.gocoverdir=" + dir}
	m.Run()
}

// TestScripts runs the command line as a user does. Templates have a builder
// "null" besides the program's own components.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			passCoverage(e)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("HOME", e.WorkDir)
			program, err := os.Executable()
			e.Setenv("PLUGIN", program) // it can be run as one
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status, "release": release,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// status runs a command that must end with an exit status: "status 23 amigo-image ...".
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func testRegistry() pipeline.Registry {
	r := registry()
	r.Builders["null"] = pipeline.Local(func() packersdk.Builder { return &nullBuilder{} })
	return r
}

// nullBuilder makes a file instead of an image, or hands on a disk that is
// there. Its guest does whatever it is told, but for commands that have the
// text stuck in them: those never end.
type nullBuilder struct{ config map[string]cty.Value }

func (b *nullBuilder) ConfigSpec() hcldec.ObjectSpec {
	spec := hcldec.ObjectSpec{}
	for _, name := range []string{"output", "content", "fault", "wait", "disk", "rootfs", "stuck"} {
		spec[name] = &hcldec.AttrSpec{Name: name, Type: cty.String}
	}
	return spec
}

func (b *nullBuilder) Prepare(raws ...any) ([]string, []string, error) {
	for _, raw := range raws {
		if v, ok := raw.(cty.Value); ok {
			b.config = v.AsValueMap()
		}
	}
	return nil, nil, nil
}

func (b *nullBuilder) text(name string) string {
	if v := b.config[name]; !v.IsNull() {
		return v.AsString()
	}
	return ""
}

func (b *nullBuilder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	phase := event.Start(component.Sink(ui), "base", "making "+b.text("output"))
	phase.Detail("only the log has this")
	if err := b.fault(); err != nil {
		return nil, phase.End(event.OK, "", err)
	}
	if d, err := time.ParseDuration(b.text("wait")); err == nil {
		select {
		case <-ctx.Done():
			return nil, phase.End(event.OK, "", context.Cause(ctx))
		case <-time.After(d):
		}
	}
	_ = phase.End(event.OK, "made", nil)
	data := map[string]any{"ID": "x", component.DataRootFS: b.text("rootfs")}
	if err := hook.Run(ctx, packersdk.HookProvision, ui, &nullGuest{stuck: b.text("stuck")}, data); err != nil {
		return nil, err
	}
	if disk := b.text("disk"); disk != "" {
		return &packersdk.MockArtifact{IdValue: disk, FilesValue: []string{disk}, StateValues: map[string]any{component.StateDisk: disk}}, nil
	}
	if b.text("output") == "" {
		return packersdk.Artifact(&packersdk.MockArtifact{IdValue: "nothing", FilesValue: []string{}, StringValue: "nothing"}), nil
	}
	err := os.WriteFile(b.text("output"), []byte(b.text("content")), 0o644)
	return &packersdk.MockArtifact{IdValue: "id", FilesValue: []string{b.text("output")}, StringValue: b.text("output")}, err
}

// nullGuest answers as a guest without AmiGO does.
type nullGuest struct {
	packersdk.MockCommunicator
	stuck string
}

func (g *nullGuest) Start(ctx context.Context, cmd *packersdk.RemoteCmd) error {
	if g.stuck != "" && strings.Contains(cmd.Command, g.stuck) {
		go func() {
			<-ctx.Done()
			cmd.SetExited(packersdk.CmdDisconnect)
		}()
		return nil
	}
	g.StartStdout = "debian\n12\n-- next --\n-- next --\n-- next --\n"
	return g.MockCommunicator.Start(ctx, cmd)
}

func (b *nullBuilder) fault() error {
	switch kind := b.text("fault"); kind {
	case "":
		return nil
	case "missing":
		return fmt.Errorf("making the base: %w", &command.MissingError{Name: "mmdebstrap", Package: "mmdebstrap"})
	case "full":
		return fmt.Errorf("making the base: %w", &os.PathError{Op: "write", Path: "disk.raw", Err: syscall.ENOSPC})
	case "test":
		return &fault.Error{What: "the search for apoptosis found nothing", Where: "output/evidence", Kept: "the disk", Try: "look at page.png", Code: fault.Test}
	case "panic":
		panic("out of ideas")
	default:
		return errors.New(kind)
	}
}

func (b *nullBuilder) Fingerprint(context.Context) (string, error) { return "1", nil }
