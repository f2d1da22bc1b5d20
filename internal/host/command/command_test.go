package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExitErrorHasTheLastWords(t *testing.T) {
	err := Run(t.Context(), Cmd{Name: "sh", Args: []string{"-c", "echo first >&2; echo last >&2; exit 3"}})
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || !strings.HasSuffix(exit.Stderr, "last") {
		t.Errorf("got %v", err)
	}
}

func TestMissingProgramNamesItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for program, want := range map[string]string{"qemu-img": "qemu-utils", "qemu-system-aarch64": "qemu-system-arm", "npm": "npm"} {
		_, err := Output(t.Context(), Cmd{Name: program})
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Package != want {
			t.Errorf("%s: got %v", program, err)
		}
	}
}

// A shell that ignores SIGTERM, and its child, must both be gone.
func TestCancelEndsTheWholeGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, Cmd{Name: "sh", Args: []string{"-c", `trap '' TERM; sleep 600 & echo $! >"$0.new"; mv "$0.new" "$0"; wait`, pidFile}})
	if err != nil {
		t.Fatal(err)
	}
	child := waitForPID(t, pidFile)
	cancel()
	if err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// A killed process needs a moment to go; one that was spared never does.
	for _, pid := range []int{p.PID(), child} {
		for alive(pid) {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// A shell that ends at SIGTERM, as if all were well, leaves nobody behind.
func TestCancelEndsWhatAProgramLeaves(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, Cmd{Name: "sh", Args: []string{"-c", `(trap '' TERM; exec sleep 600) & trap 'exit 0' TERM; echo $! >"$0.new"; mv "$0.new" "$0"; wait`, pidFile}})
	if err != nil {
		t.Fatal(err)
	}
	child := waitForPID(t, pidFile)
	cancel()
	_ = p.Wait()
	for alive(child) {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNothingStartsAfterKillAll(t *testing.T) {
	group := groups{leaders: map[int]bool{}}
	group.kill()
	if err := group.start(exec.Command("true")); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
}

func waitForPID(t *testing.T, path string) int {
	t.Helper()
	for t.Context().Err() == nil {
		if content, err := os.ReadFile(path); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("the child did not start")
	return 0
}

// alive tells whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStringCanBePasted(t *testing.T) {
	cmd := Cmd{Name: "echo", Args: []string{"plain", "two words", "it's", ""}}
	if got, want := cmd.String(), `echo plain 'two words' 'it'"'"'s' ''`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// One writer for both streams gets the lines in the order in which a program
// wrote them, and so does the error.
func TestOneWriterForBothStreams(t *testing.T) {
	const script = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done; exit 1"
	var want, out strings.Builder
	for i := range 9 {
		fmt.Fprintf(&want, "out %[1]d\nerr %[1]d\n", i+1)
	}
	err := Run(t.Context(), Cmd{Name: "sh", Args: []string{"-c", script}, Stdout: &out, Stderr: &out})
	if out.String() != want.String() {
		t.Errorf("got %q", out.String())
	}
	var exit *ExitError
	if !errors.As(err, &exit) || !strings.HasSuffix(exit.Stderr, "out 8\nerr 8\nout 9\nerr 9") {
		t.Errorf("got %v", err)
	}
}

// Two writers get a stream each, also if they are of a kind that cannot be
// compared.
func TestWritersForEachStream(t *testing.T) {
	var out, errs strings.Builder
	cmd := Cmd{Name: "sh", Args: []string{"-c", "echo out; echo err >&2"}, Stdout: uncomparable{&out}, Stderr: uncomparable{&errs}}
	if err := Run(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	if out.String() != "out\n" || errs.String() != "err\n" {
		t.Errorf("got %q and %q", out.String(), errs.String())
	}
}

type uncomparable []io.Writer

func (u uncomparable) Write(p []byte) (int, error) { return u[0].Write(p) }
