package builtin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

const stubborn = `
source "null" "a" {
  communicator = "none"
}

build {
  sources = ["null.a"]
  provisioner "shell-local" {
    inline = ["trap '' INT TERM HUP", "touch started", "sleep 600 & sleep 600", "touch done"]
  }
}
`

// TestCancelWaits: a run that is cancelled ends when its commands have ended, and leaves
// neither them nor their scripts, though they do not want to end.
func TestCancelWaits(t *testing.T) {
	plan, err := planned(t, stubborn)
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !exists("started") {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := plan.Run(ctx, pipeline.RunOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 || exists("done") {
		t.Errorf("%q is left", left)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, process := range processes {
		if at, _ := os.Readlink(process); at == here && filepath.Dir(process) != "/proc/self" && !self(process) {
			t.Errorf("%s still runs", process)
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// self tells whether a file of /proc is of this process.
func self(process string) bool {
	one, err := os.Stat(filepath.Dir(process))
	other, err2 := os.Stat("/proc/self")
	return err == nil && err2 == nil && os.SameFile(one, other)
}
