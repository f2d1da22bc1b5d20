package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
)

// TestStateOnSignal asks a pull in a pipe for its progress.
func TestStateOnSignal(t *testing.T) {
	p, s := newPerson(t), serveMoody(t, makeRepository(t))
	asked, told := make(chan struct{}), make(chan struct{})
	s.fault.Store(&mood{files: `\.raw\.zst$`, handler: func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		if n == 1 {
			close(asked)
		}
		<-told
		faulty.Honest(w, r, n, content)
	}})
	log := filepath.Join(p.home, "err")
	errs, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errs.Close() }()
	pull, err := command.Start(context.Background(), command.Cmd{Name: "amigo-image", Args: []string{"pull", s.URL, "stable"}, Stderr: errs, Env: p.environ()})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := pull.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), "amigo-image pull, since ") && strings.Contains(string(text), "fetch, since ")
	})
	close(told)
	if err := pull.Wait(); err != nil {
		t.Error(err)
	}
}
