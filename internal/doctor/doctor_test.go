package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

func TestTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := tools(t.Context(), Host{})
	if r.State != Missing || !strings.Contains(r.Text, "mmdebstrap") {
		t.Errorf("without any program: %+v", r)
	}
	if !strings.HasPrefix(r.Cure, "apt-get install ") || !strings.Contains(r.Cure, "qemu-system-x86") || strings.Count(r.Cure, "mtools") != 1 {
		t.Errorf("the cure is %s", r.Cure)
	}
}

func TestKVM(t *testing.T) {
	for want, open := range map[string]func(string) (*os.File, error){
		"modprobe":      func(string) (*os.File, error) { return nil, os.ErrNotExist },
		"adduser $USER": func(string) (*os.File, error) { return nil, os.ErrPermission },
		"":              func(string) (*os.File, error) { return os.Open(os.DevNull) },
	} {
		if cure, why := kvmCure(open); !strings.HasPrefix(cure, want) || why == "" {
			t.Errorf("%q: %q, %q", want, cure, why)
		}
	}
}

func TestSpace(t *testing.T) {
	dir := t.TempDir()
	for need, want := range map[int64]State{1: OK, 1 << 62: Missing} {
		if r := space(filepath.Join(dir, "new"), need, "TMPDIR"); r.State != want {
			t.Errorf("%d bytes: %+v", need, r)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := space(filepath.Join(file, "below"), 1, "TMPDIR"); r.State != Missing || r.Cure != "export TMPDIR=DIR" {
		t.Errorf("below a file: %+v", r)
	}
	left, err := filepath.Glob(filepath.Join(dir, "new", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestMemory(t *testing.T) {
	if got := available("MemTotal: 8 kB\nMemAvailable:    4096 kB\n"); got != 4<<20 {
		t.Errorf("available %d", got)
	}
	if got := available("nothing"); got != 0 {
		t.Errorf("available %d", got)
	}
}

func TestRunTellsEverything(t *testing.T) {
	saved := checks
	defer func() { checks = saved }()
	checks = []check{{"loopback", loopback}, {"proxies", proxies}, {"repository", answers}, {"store", storeSpace}, {"memory", memory}, {"cache", cacheSpace}, {"temp", tempSpace}}
	var told []Finding
	h := Host{Cache: cache.At(t.TempDir()), Temp: t.TempDir(), Store: imagestore.At(t.TempDir())}
	missing := Run(t.Context(), h, nil, func(r Finding) { told = append(told, r) })
	if len(told) != len(checks) {
		t.Errorf("%d results of %d checks, %d missing", len(told), len(checks), missing)
	}
	for i, r := range told {
		if r.Name != checks[i].name || r.Text == "" || r.State == Missing && r.Cost == "" {
			t.Errorf("%+v", r)
		}
	}
}

// TestProxies: passwords stay where they are.
func TestProxies(t *testing.T) {
	for _, name := range proxyVariables {
		t.Setenv(name, "")
	}
	if r := proxies(t.Context(), Host{}); r.Text != "none" {
		t.Errorf("%+v", r)
	}
	t.Setenv("HTTPS_PROXY", "http://me:secret@proxy.example.org:3128")
	t.Setenv("http_proxy", "me:secret@proxy.example.org")
	t.Setenv("no_proxy", "localhost")
	r := proxies(t.Context(), Host{})
	if strings.Contains(r.Text, "secret") || !strings.Contains(r.Text, "proxy.example.org:3128") || !strings.Contains(r.Text, "no_proxy=localhost") {
		t.Errorf("%+v", r)
	}
}
