//go:build vm

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// TestRun starts the distribution image as somebody does who was given the
// file, twice at once. The address that is printed answers and is opened, ssh
// gets in, Ctrl-C shuts down, and nothing is left. The other one is left on
// before it is up.
func TestRun(t *testing.T) {
	data := t.TempDir()
	opened := filepath.Join(data, "opened")
	browser := filepath.Join(data, "browser")
	if err := executable.Write(browser, []byte("#!/bin/sh\necho \"$@\" >"+opened+".new\nmv "+opened+".new "+opened+"\n")); err != nil {
		t.Fatal(err)
	}
	home := []string{"HOME=" + data, "XDG_DATA_HOME=" + data, "XDG_CACHE_HOME=" + cacheHome(t), "BROWSER=" + browser}
	out, in := io.Pipe()
	process, err := command.Start(t.Context(), command.Cmd{
		Name: program, Args: []string{"run", disk("distribution"), "--as", "given", "--port", "0", "--open", "--json"}, Env: home, Stdout: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.CloseWithError(process.Wait()) }()
	told := json.NewDecoder(out)
	await(t, told, "plan") // so this one has the name
	leaveOn(t, home)
	m := await(t, told, "ready")
	found, err := serving.Probe(t.Context(), serving.Client(time.Minute), strings.TrimSuffix(m.URL, serving.Page), "")
	if err != nil || m.Boot == 0 || m.AmiGO == 0 {
		t.Errorf("the address does not answer, or nobody looked how long it took: %+v, %v", m, err)
	}
	t.Log(found)
	for _, err := os.Stat(opened); err != nil && t.Context().Err() == nil; _, err = os.Stat(opened) {
		time.Sleep(100 * time.Millisecond)
	}
	if got := contentOf(t, opened); got != m.URL+"\n" {
		t.Errorf("the browser was told %q", got)
	}
	if answer := use(t, home, 0, "ssh", "given", "id -u; cat /etc/hostname"); !strings.HasPrefix(answer, "0\n") {
		t.Errorf("ssh: %q", answer)
	}
	other := comeBack(t, home)
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(io.MultiReader(told.Buffered(), out))
	if err := process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if !strings.Contains(string(said), `"phase":"shutdown","status":"ok","text":"clean"`) {
		t.Errorf("it did not shut down cleanly:\n%s", said)
	}
	use(t, home, 0, "stop")
	noTrace(t, m, data)
	noTrace(t, other, data)
}

// leaveOn starts a second machine of the image, which is not up in time.
func leaveOn(t *testing.T, home []string) {
	t.Helper()
	said := use(t, home, 1, "run", disk("distribution"), "--as", "given", "--port", "0", "--detach", "--timeout", "1s")
	t.Cleanup(func() {
		if t.Failed() {
			_ = command.Run(context.Background(), command.Cmd{Name: program, Args: []string{"stop", "--now", "given-2"}, Env: home})
		}
	})
	if !strings.Contains(said, "kept:  the machine given-2, which stays on") || !strings.Contains(said, "try:   amigo-image wait given-2\n") {
		t.Errorf("a machine that is late: %s", said)
	}
}

// hush lets nobody on the machine reach GOlr any more.
const hush = `
nft add table ip hush
nft add chain ip hush out '{ type filter hook output priority 0; }'
nft add rule ip hush out tcp dport 8080 reject with tcp reset
`

// comeBack waits for that machine, as it was told to. Then its search goes, and
// comes back.
func comeBack(t *testing.T, home []string) imagestore.Machine {
	t.Helper()
	waited := use(t, home, 0, "wait", "given-2", "--timeout", "30m", "--json")
	m := await(t, json.NewDecoder(strings.NewReader(waited)), "ready")
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(use(t, home, 0, "ssh", "--config", "--quiet", "given-2")), 0o600); err != nil {
		t.Fatal(err)
	}
	err := command.Run(t.Context(), command.Cmd{Name: "ssh", Args: []string{"-F", config, "amigo-given-2", "set -e" + hush}})
	if err != nil {
		t.Errorf("ssh does not take its configuration: %v", err)
	}
	said := use(t, home, 1, "wait", "given-2", "--timeout", "30s")
	if !strings.Contains(said, "error: ssh and AmiGO's page answer, a search does not (after 30s)") {
		t.Errorf("a machine without GOlr: %s", said)
	}
	use(t, home, 0, "ssh", "given-2", "nft delete table ip hush")
	if url := use(t, home, 0, "wait", "given-2", "--quiet"); url != m.URL+"\n" {
		t.Errorf("it waited for %q, not for %s", url, m.URL)
	}
	return m
}

// use runs the program, which must end with status, and returns what it said.
func use(t *testing.T, home []string, status int, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	err := command.Run(t.Context(), command.Cmd{Name: program, Args: args, Env: home, Stdout: &said, Stderr: &said})
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Code == status || err == nil && status == 0 {
		return said.String()
	}
	t.Errorf("%s: %v, not status %d\n%s", args, err, status, &said)
	return said.String()
}

func cacheHome(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// await reads what the program tells until it tells this of its machine.
func await(t *testing.T, decoder *json.Decoder, what string) imagestore.Machine {
	t.Helper()
	for {
		var line json.RawMessage
		var told struct {
			Type string `json:"type"`
		}
		err := decoder.Decode(&line)
		if err == nil {
			err = json.Unmarshal(line, &told)
		}
		if err != nil {
			t.Fatalf("no %q of the machine: %v", what, err)
		}
		if told.Type != what {
			continue
		}
		var m imagestore.Machine
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func noTrace(t *testing.T, m imagestore.Machine, data string) {
	t.Helper()
	for _, port := range []int{m.Port, m.SSHPort} {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second); err == nil {
			_ = conn.Close()
			t.Errorf("port %d is still open", port)
		}
	}
	left, err := filepath.Glob(filepath.Join(data, "amigo-image", "machines", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), data) {
			t.Errorf("still there: %q", line)
		}
	}
}
