//go:build vm && long

package test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestWrongData: a machine without its data, or with those of another schema, says so where
// people look.
func TestWrongData(t *testing.T) {
	r := newRig(t)
	out, _ := r.buildRelease(t)
	image := filepath.Join(t.TempDir(), "alone.qcow2")
	if err := os.Link(filepath.Join(out, "distribution", "amigo-distribution.qcow2"), image); err != nil {
		t.Fatal(err)
	}
	index, err := r.make(t, golr.Spec{Documents: []string{documents}}, solrSettings)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := datadisk.Make(t.Context(), cache.At(t.TempDir()), datadisk.Content{Index: index, Schema: strings.Repeat("0", 64)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"without":     {nil, "This machine has no data. Attach the disk with AmiGO's data to it, and restart it."},
		"another one": {[]string{"--data", other.Path}, "The data on the attached disk are not for this version of AmiGO"},
	} {
		t.Run(name, func(t *testing.T) { saysWhatIsWrong(t, append([]string{image}, c.args...), c.want) })
	}
}

// saysWhatIsWrong runs an image that can't serve, and reads what it says.
func saysWhatIsWrong(t *testing.T, args []string, want string) {
	dir := t.TempDir()
	home := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CACHE_HOME=" + cacheHome(t)}
	out, in := io.Pipe()
	process, err := command.Start(t.Context(), command.Cmd{
		Name: program, Args: append([]string{"run", "--port", "0", "--json", "--timeout", "4m"}, args...), Env: home, Stdout: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.CloseWithError(process.Wait()) }()
	m := await(t, json.NewDecoder(out), "degraded")
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if start := get(t, strings.TrimSuffix(m.URL, "amigo")); !strings.Contains(start, want) {
		t.Errorf("the start page does not say %q:\n%s", want, start)
	}
	if page := get(t, m.URL); !strings.Contains(page, want) {
		t.Errorf("AmiGO's place does not say %q:\n%s", want, page)
	}
	o := operator{t, home, m}
	o.does(0, "tr '\\n' ' ' </run/issue.d/amigo-data.issue | tr -s ' '", want)
	o.does(3, "systemctl is-active jetty9", "inactive")
	o.does(0, "systemctl is-system-running", "running")
	console, err := os.ReadFile(m.Console)
	if err != nil || !strings.Contains(string(console), want[:30]) {
		t.Errorf("the console does not say %q (%v)", want, err)
	}
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- process.Wait() }()
	select {
	case <-done: // it was never ready, which is an error
	case <-time.After(5 * time.Minute):
		t.Error("it does not end")
	}
}
