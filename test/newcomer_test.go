//go:build vm

package test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
)

// TestNewcomer publishes the images, and pastes the lines that the page has
// for Linux, as somebody who knows nothing but the page: there are three, and
// then AmiGO is open. Two words of them are others: KVM, which not every host
// that has it is better off with, and the port, which may be taken.
func TestNewcomer(t *testing.T) {
	page := publish(t)
	home := t.TempDir()
	lines := linesFor(t, page, "linux")
	if len(lines) != 3 {
		t.Fatalf("a newcomer has to paste %d lines: %q", len(lines), lines)
	}
	for _, line := range lines[:2] {
		if err := command.Run(t.Context(), command.Cmd{Name: "bash", Args: []string{"-c", line}, Dir: home}); err != nil {
			t.Fatalf("%s\n%v", line, err)
		}
	}
	address := freeAddress(t)
	line := strings.NewReplacer("127.0.0.1:9999", address, " -accel kvm", "").Replace(lines[2])
	keys, typed := io.Pipe()
	var console strings.Builder
	process, err := command.Start(t.Context(), command.Cmd{
		Name: "bash", Args: []string{"-c", line}, Dir: home, Stdin: keys, Stdout: &console,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	found := open(ctx, t, process, "http://"+address)
	if _, err := typed.Write([]byte("\x01x")); err != nil {
		t.Error(err)
	}
	_ = typed.Close()
	if err := process.Wait(); err != nil {
		t.Errorf("Ctrl-A X does not end it: %v", err)
	}
	if !strings.Contains(console.String(), "amigo login:") {
		t.Errorf("the console does not end with what the page says:\n%s", console.String())
	}
	t.Log(found)
}

// publish publishes the images on a web server and returns the page.
func publish(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "www"))))
	t.Cleanup(server.Close)
	keys := []string{"--keys", filepath.Join(dir, "keys")}
	for _, args := range [][]string{
		append([]string{"keys", "init"}, keys...),
		append([]string{"publish", output, "--to", filepath.Join(dir, "www"), "--public-url", server.URL, "--channel", "stable"}, keys...),
	} {
		if err := command.Run(t.Context(), command.Cmd{Name: program, Args: args}); err != nil {
			t.Fatal(err)
		}
	}
	return contentOf(t, filepath.Join(dir, "www", "index.html"))
}

var pasted = regexp.MustCompile(`(?s)<pre data-shell="bash"><code>(.*?)</code></pre>`)

// linesFor returns the lines of a section of the page.
func linesFor(t *testing.T, page, section string) []string {
	t.Helper()
	_, after, found := strings.Cut(page, fmt.Sprintf("<h3 id=%q>", section))
	if !found {
		t.Fatalf("the page says nothing of %s", section)
	}
	part, _, _ := strings.Cut(after, "<details>")
	var lines []string
	for _, line := range pasted.FindAllStringSubmatch(part, -1) {
		lines = append(lines, html.UnescapeString(line[1]))
	}
	return lines
}

// freeAddress returns one on loopback that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// open waits until AmiGO answers a search, and returns what it found.
func open(ctx context.Context, t *testing.T, process *command.Process, base string) string {
	t.Helper()
	for {
		found, err := serving.Probe(ctx, serving.Client(time.Minute), base, "")
		if err == nil {
			return found
		}
		select {
		case <-process.Done():
			t.Fatalf("the machine ended: %v", process.Wait())
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(3 * time.Second):
		}
	}
}
