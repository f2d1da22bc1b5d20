//go:build vm

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// Boot sectors of guests that are up at once and serve nothing.
const (
	// sti; enable the power button; until it is pressed: hlt; switch off.
	polite = "\xfb\xba\x02\x06\xb8\x00\x01\xef\xf4\xba\x00\x06\xed\xf6\xc4\x01\x74\xf6\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd"
	// cli; hlt, for ever.
	deaf = "\xfa\xf4\xeb\xfd"
)

// TestMachines runs, stops and kills real machines. None of them has AmiGO:
// what that one does is seen in the tests of the whole.
func TestMachines(t *testing.T) {
	cached := t.TempDir() // accelerators are timed once
	testscript.Run(t, testscript.Params{
		Dir: "testdata/machine",
		Setup: func(e *testscript.Env) error {
			passCoverage(e)
			for name, value := range map[string]string{
				"HOME": e.WorkDir, "XDG_CACHE_HOME": cached, "XDG_DATA_HOME": filepath.Join(e.WorkDir, "data"),
				"XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"), "STORE": filepath.Join(e.WorkDir, "data", "amigo-image"),
				"AMIGO_IMAGE_MEMORY": "256", "AMIGO_IMAGE_TIMEOUT": "1s",
			} {
				e.Setenv(name, value)
			}
			e.Defer(func() { endAll(imagestore.At(e.Getenv("STORE"))) })
			return errors.Join(bootable(e.WorkDir, "polite", polite), bootable(e.WorkDir, "deaf", deaf))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status, "occupy": occupy, "kill9": kill9, "gone": gone,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func bootable(dir, name, code string) error {
	sector := make([]byte, 1<<20)
	copy(sector, code)
	copy(sector[510:], "\x55\xaa")
	return os.WriteFile(filepath.Join(dir, name+".raw"), sector, 0o644)
}

// occupy takes a port of the loopback interface, unless somebody has it.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	if l, err := net.Listen("tcp", "127.0.0.1:"+args[0]); err == nil {
		ts.Defer(func() { _ = l.Close() })
	}
}

// kill9 kills the process that keeps a machine.
func kill9(ts *testscript.TestScript, _ bool, args []string) {
	m, err := imagestore.At(ts.Getenv("STORE")).Machine(context.Background(), args[0])
	ts.Check(err)
	ts.Check(syscall.Kill(m.PID, syscall.SIGKILL))
}

// endAll kills what a script that failed has left on.
func endAll(store imagestore.Store) {
	machines, _ := store.Machines(context.Background())
	for _, m := range machines {
		if m.Lives() {
			_ = syscall.Kill(m.PID, syscall.SIGKILL)
		}
	}
}

// gone waits until no process is left that the script has started.
func gone(ts *testscript.TestScript, _ bool, _ []string) {
	for {
		left := false
		processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
		ts.Check(err)
		for _, path := range processes {
			line, err := os.ReadFile(path)
			left = left || err == nil && strings.Contains(string(line), ts.Getenv("WORK"))
		}
		if !left {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
