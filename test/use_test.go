//go:build vm

package test

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/serving"
)

// TestRun starts the distribution image as somebody does who was given the
// file: the address that it prints answers, ssh gets in, Ctrl-C shuts it down,
// and nothing is left.
func TestRun(t *testing.T) {
	data := t.TempDir()
	home := []string{"HOME=" + data, "XDG_DATA_HOME=" + data, "XDG_CACHE_HOME=" + cacheHome(t)}
	out, in := io.Pipe()
	process, err := command.Start(t.Context(), command.Cmd{
		Name: program, Args: []string{"run", disk("distribution"), "--as", "given", "--port", "0", "--json"}, Env: home, Stdout: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.CloseWithError(process.Wait()) }()
	m := awaitReady(t, out)
	found, err := serving.Probe(t.Context(), serving.Client(time.Minute), strings.TrimSuffix(m.URL, serving.Page), "")
	if err != nil {
		t.Errorf("the address does not answer: %v", err)
	}
	t.Log(found)
	answer, err := command.Output(t.Context(), command.Cmd{Name: program, Args: []string{"ssh", "given", "id -u; cat /etc/hostname"}, Env: home})
	if err != nil || !strings.HasPrefix(string(answer), "0\n") {
		t.Errorf("ssh: %q, %v", answer, err)
	}
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(out)
	if err := process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if !strings.Contains(string(said), `"phase":"shutdown","status":"ok","text":"clean"`) {
		t.Errorf("it did not shut down cleanly:\n%s", said)
	}
	noTrace(t, m, data)
}

func cacheHome(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// awaitReady reads what the program tells until the machine is up.
func awaitReady(t *testing.T, from io.Reader) imagestore.Machine {
	t.Helper()
	decoder := json.NewDecoder(from)
	for {
		var told struct {
			Type string `json:"type"`
			imagestore.Machine
		}
		if err := decoder.Decode(&told); err != nil {
			t.Fatalf("the machine did not come up: %v", err)
		}
		if told.Type == "ready" {
			return told.Machine
		}
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
