package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// TestMachines runs what builds run on this host.
func TestMachines(t *testing.T) {
	h := Host{Cache: cache.At(t.TempDir())}
	if r := qemuVersion(t.Context(), h); r.State != OK || !regexp.MustCompile(`^version \d+\.\d+`).MatchString(r.Text) {
		t.Errorf("%+v", r)
	}
	if r := firmware(t.Context(), h); r.State != OK || !filepath.IsAbs(r.Text) {
		t.Errorf("%+v", r)
	}
	// Which is faster is up to the host; that one runs is not.
	r := accelerators(t.Context(), h)
	if !strings.Contains(r.Text, "tcg") || r.State == Missing || (r.State == Slow) != strings.HasPrefix(r.Text, "tcg ") {
		t.Errorf("%+v", r)
	}
	if r.State == Slow && r.Cost == "" {
		t.Errorf("it does not say what that means: %+v", r)
	}
}

// TestOldEmulation: who has a QEMU that may freeze guests is told.
func TestOldEmulation(t *testing.T) {
	for version, freezes := range map[string]bool{
		"7.2.22": true, "8.0": true, "8.0.5": true, "8.1.0": false, "8.1": false, "10.0.2": false, "odd": false,
	} {
		if cost := emulationCost(version); strings.Contains(cost, "freeze") != freezes {
			t.Errorf("QEMU %s: %s", version, cost)
		}
	}
}

// TestWithoutPrograms: where nothing is installed every check that needs a
// program names the command that installs it.
func TestWithoutPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	h := Host{Cache: cache.At(t.TempDir())}
	for name, c := range map[string]struct {
		try  func(context.Context, Host) Finding
		cure string
	}{
		"qemu":        {qemuVersion, "apt-get install qemu-system-x86"},
		"accelerator": {accelerators, "apt-get install qemu-system-x86"},
	} {
		r := c.try(t.Context(), h)
		if r.State != Missing || r.Cure != c.cure || !strings.Contains(r.Text, "qemu-system-x86_64 is not installed") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := namespaces(t.Context(), h); r.State != Slow || !strings.HasPrefix(r.Text, "bwrap: ") || !strings.HasPrefix(r.Cure, "sysctl -w kernel.") {
		t.Errorf("%+v", r)
	}
	if r := archive(t.Context(), h); r.State != Missing || r.Cure != "apt-get update" {
		t.Errorf("%+v", r)
	}
}

// TestNamespaces enters the sandbox and the namespace that builds enter.
func TestNamespaces(t *testing.T) {
	if r := namespaces(t.Context(), Host{Cache: cache.At(t.TempDir())}); r.State != OK || !strings.HasPrefix(r.Text, "sandbox entered, as ") {
		t.Errorf("%+v", r)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := workspace(t.Context(), file); r.State != Missing || r.Cure != "export XDG_CACHE_HOME=DIR" {
		t.Errorf("a cache that is a file: %+v", r)
	}
}

// TestArchiveThatIsAway: an archive that can't be reached is said in one line.
func TestArchiveThatIsAway(t *testing.T) {
	dir := t.TempDir()
	const sources = "deb http://127.0.0.1:1/debian trixie main\ndeb http://127.0.0.1:1/debian-security trixie-security main\n"
	settings := fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\nAcquire::Retries \"0\";\n", dir+"/sources.list")
	err := errors.Join(os.WriteFile(dir+"/sources.list", []byte(sources), 0o644), os.WriteFile(dir+"/apt.conf", []byte(settings), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", dir+"/apt.conf")
	r := archive(t.Context(), Host{Cache: cache.At(t.TempDir())})
	if r.State != Missing || r.Cure != "apt-get update" || strings.Contains(r.Text, "\n") || !strings.HasPrefix(r.Text, "E: ") {
		t.Errorf("%+v", r)
	}
}

// TestRunSome: only what is named is tried, in the order of builds, and what is
// missing is counted.
func TestRunSome(t *testing.T) {
	h := Local(cache.At(t.TempDir()), imagestore.At(t.TempDir()), "http://127.0.0.1:1")
	if h.Temp != os.TempDir() {
		t.Errorf("temporary files are in %s", h.Temp)
	}
	var told []string
	missing := Run(t.Context(), h, []string{"repository", "loopback"}, func(r Finding) { told = append(told, r.Name+" "+string(r.State)) })
	if got := strings.Join(told, ", "); got != "loopback ok, repository missing" || missing != 1 {
		t.Errorf("%s; %d are missing", got, missing)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if missing := Run(stopped, h, nil, func(r Finding) { t.Errorf("after Ctrl-C: %+v", r) }); missing != 0 {
		t.Errorf("%d are missing", missing)
	}
	if names := Names(); len(names) != len(checks) || names[0] != "tools" {
		t.Errorf("the checks are %q", names)
	}
}
