//go:build vm && long

package test

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestGuests builds the example on the older release of Debian and for another processor:
// each of them passes its boot test in both variants. They are published as two versions of
// a channel that moves from one release to the next, and the image for the other processor
// is pulled and run.
func TestGuests(t *testing.T) {
	old, arm := t.TempDir(), t.TempDir()
	for _, args := range [][]string{
		{"build", "-var", "output=" + old, "-var", "release=bookworm", template},
		{"build", "-var", "output=" + arm, "-var", "architecture=arm64", template},
	} {
		t.Log(run(t, "", program, args...))
	}

	dir := t.TempDir()
	repository, keys := filepath.Join(dir, "www"), []string{"--keys", filepath.Join(dir, "keys")}
	home := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CACHE_HOME=" + cacheHome(t)}
	run(t, "", program, append([]string{"keys", "init"}, keys...)...)
	for _, images := range [][]string{{old, "--version", "1"}, {output, arm, "--version", "2"}} {
		line := append(append([]string{"publish", "--to", repository, "--channel", "stable"}, keys...), images...)
		run(t, "", program, line...)
		t.Log(use(t, home, 0, "pull", repository, "stable"))
	}
	said := use(t, home, 0, "diff", "1", "2", "--from", repository)
	if !strings.Contains(said, "\nSystem    Debian GNU/Linux 12 (bookworm) -> Debian GNU/Linux 13 (trixie)\n") {
		t.Errorf("diff does not say that the system is another:\n%s", said)
	}
	if said := use(t, home, 25, "pull", repository, "1", "--arch", "arm64"); !strings.Contains(said, "distribution-arm64") {
		t.Errorf("a version without the image:\n%s", said)
	}
	runArm(t, append(home, "AMIGO_IMAGE_REPOSITORY="+repository))
}

// runArm pulls the image for the other processor, and runs it until it serves.
func runArm(t *testing.T, home []string) {
	t.Helper()
	out, in := io.Pipe()
	process, err := command.Start(t.Context(), command.Cmd{
		Name: program, Args: []string{"run", "2", "--arch", "arm64", "--as", "arm", "--port", "0", "--json"}, Env: home, Stdout: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.CloseWithError(process.Wait()) }()
	m := await(t, json.NewDecoder(out), "ready")
	if m.Variant != "distribution-arm64" {
		t.Errorf("it is %+v", m)
	}
	if answer := use(t, home, 0, "ssh", "arm", "uname -m"); !strings.HasPrefix(answer, "aarch64\n") {
		t.Errorf("ssh: %q", answer)
	}
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
