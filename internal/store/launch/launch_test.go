package launch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestOptions(t *testing.T) {
	s := Settings{CPUs: 4, MemoryMiB: 4096, Port: 9999, Keys: []string{"ssh-ed25519 USER me"}, Console: "/c"}
	common := qemu.Options{
		Arch: arch.AMD64, Name: "amigo-stable", Accelerator: qemu.KVM, CPUs: 4, MemoryMiB: 4096, Console: "/c", SurvivesPanic: true,
		Forward: []int{22, 80}, HostPorts: map[int]int{80: 9999},
	}
	for name, test := range map[string]struct {
		machine imagestore.Machine
		change  func(*qemu.Options)
	}{
		"thrown away": {imagestore.Machine{Name: "stable", Dir: "/m", Variant: "distribution"}, func(o *qemu.Options) {
			o.Disks = []qemu.Disk{{Path: "/m/overlay.qcow2", Format: "qcow2", Scratch: true}}
			o.AuthorizedKeys = []string{"ssh-ed25519 USER me"}
		}},
		"kept, for service": {imagestore.Machine{Name: "stable", Dir: "/m", Variant: Production, Kept: true}, func(o *qemu.Options) {
			o.Disks = []qemu.Disk{{Path: "/m/overlay.qcow2", Format: "qcow2"}}
			o.Seed = "/m/seed.img"
		}},
		"of another architecture": {imagestore.Machine{Name: "stable", Dir: "/m", Variant: "production-arm64"}, func(o *qemu.Options) {
			o.Arch = arch.ARM64
			o.Disks = []qemu.Disk{{Path: "/m/overlay.qcow2", Format: "qcow2", Scratch: true}}
			o.Seed = "/m/seed.img"
		}},
	} {
		want := common
		test.change(&want)
		if diff := cmp.Diff(want, options(test.machine, s, qemu.KVM)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestKeys(t *testing.T) {
	home := t.TempDir()
	key, err := guest.NewKey("me here")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"id_ed25519": "private", "id_ed25519.pub": key.AuthorizedKey + "\n", "id_broken.pub": "nothing", "other.pub": key.AuthorizedKey,
	} {
		path := filepath.Join(home, ".ssh", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{key.AuthorizedKey}, UserKeys(home)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"id_ed25519", "id_ed25519.pub"} {
		if got, err := ReadKey(filepath.Join(home, ".ssh", name)); err != nil || got != key.AuthorizedKey {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := ReadKey(filepath.Join(home, ".ssh", "id_broken.pub")); err == nil {
		t.Error("nothing is a key")
	}
}

func TestOwnKeyStays(t *testing.T) {
	m := imagestore.Machine{Dir: t.TempDir()}
	first, err := ownKey(m)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ownKey(m)
	if err != nil || first.AuthorizedKey != second.AuthorizedKey {
		t.Errorf("%q, %q, %v", first.AuthorizedKey, second.AuthorizedKey, err)
	}
	if info, err := os.Stat(m.Path(imagestore.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestIntroduction(t *testing.T) {
	key, err := guest.NewKey("host")
	if err != nil {
		t.Fatal(err)
	}
	i, err := parseIntroduction(strings.Join([]string{
		guest.Heading("host key"), key.AuthorizedKey,
		guest.Heading("operators"), "ops,me",
		guest.Heading("about"), `{"test": {"search": "apoptosis"}}`,
	}, "\n"))
	if err != nil || i.search != "apoptosis" || i.user(Production) != "ops" || i.user("distribution") != "root" || !strings.HasPrefix(i.fingerprint, "SHA256:") {
		t.Errorf("%+v, %v", i, err)
	}
	m := imagestore.Machine{Name: "stable", Dir: t.TempDir()}
	if err := i.writeKnownHosts(m); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(m.Path(imagestore.HostsFile))
	if err != nil || !strings.HasPrefix(string(content), "amigo-stable ssh-ed25519 ") {
		t.Errorf("%q, %v", content, err)
	}
	for _, bad := range []string{"", guest.Heading("host key") + "\nx\n", key.AuthorizedKey} {
		if _, err := parseIntroduction(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestLastLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	for content, want := range map[string]string{
		"one\ntwo\r\n\x1b[0m\r\n":                 "two",
		"\x1b[0;32m  OK  \x1b[0m] Started\x07 it": "OK  ] Started it",
		"":                                      "",
		strings.Repeat("x\n", 9000) + "the end": "the end",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := LastLine(path); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzIntroduction(f *testing.F) {
	f.Add(guest.Heading("host key") + "\nssh-ed25519 AAAA\n" + guest.Heading("operators") + "\nops\n")
	f.Fuzz(func(_ *testing.T, answer string) { _, _ = parseIntroduction(answer) })
}

func TestFreePort(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if FreePort(t.Context(), port) {
		t.Error("a port that is taken is free")
	}
	_ = l.Close()
	if !FreePort(t.Context(), port) {
		t.Error("a port that is free is taken")
	}
}

// TestSSH lets ssh itself read what is written for it.
func TestSSH(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with space, 100% \"quoted\"")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m := imagestore.Machine{Name: "a", Dir: dir, SSHPort: 2222}
	if err := writeSSHConfig(m); err != nil {
		t.Fatal(err)
	}
	line := SSH(m, []string{"id", "-u"})
	if words := line.Args[len(line.Args)-3:]; !slices.Equal(words, []string{"--", "id", "-u"}) {
		t.Errorf("%q", line.Args)
	}
	line.Args = append([]string{"-G"}, line.Args...)
	read, err := command.Output(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"hostname 127.0.0.1", "port 2222", "user root", "hostkeyalias amigo-a", "stricthostkeychecking true",
		"identityfile " + strings.ReplaceAll(m.Path(imagestore.KeyFile), "%", "%%"),
	} {
		if !strings.Contains(string(read), "\n"+want+"\n") {
			t.Errorf("no %q in\n%s", want, read)
		}
	}
	if got, want := SSHFiles(m), strconv.Quote(filepath.Join(filepath.Dir(dir), "*", "ssh_config")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLate(t *testing.T) {
	console := filepath.Join(t.TempDir(), "console")
	if err := os.WriteFile(console, []byte("login:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	page, search := &serving.PageError{Err: errors.New("no page")}, errors.New("no term")
	on := imagestore.Machine{SSHPort: 22, HostKey: "SHA256:x"}
	for want, test := range map[string]struct {
		m    imagestore.Machine
		last error
	}{
		"ssh and AmiGO's page answer, a search does not (after 1m0s)": {on, search},
		"ssh answers, AmiGO does not (after 1m0s)":                    {on, page},
		"AmiGO's page answers, ssh and a search do not (after 1m0s)":  {imagestore.Machine{}, search},
		"neither ssh nor AmiGO answers (after 1m0s)":                  {imagestore.Machine{SSHPort: 22}, page},
	} {
		test.m.Console = console
		late := newLateError(at(PhaseAmiGO, test.m), test.m, &serving.TimeoutError{After: time.Minute, Last: test.last})
		if late.Error() != want || late.Line != "login:" || !errors.Is(late, test.last) {
			t.Errorf("%+v: %v", test, late)
		}
	}
}

// TestWait waits for a machine of another process: the web server that stands
// in for it is as real as the store.
func TestWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"response":{"numFound":1,"docs":[{"annotation_class":"GO:1","annotation_class_label":"apoptosis"}]}}`)
	}))
	t.Cleanup(server.Close)
	store := imagestore.At(t.TempDir())
	held, err := store.Create(t.Context(), imagestore.Machine{Name: "stable"})
	if err != nil {
		t.Fatal(err)
	}
	late := new(LateError)
	if _, err := Wait(t.Context(), store, held.Machine, time.Millisecond, event.Discard); !errors.As(err, &late) || late.Page || late.SSH {
		t.Errorf("of a machine that is being switched on: %v", err)
	}
	held.State, held.URL = imagestore.Degraded, server.URL+serving.Page
	if err := held.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := Wait(t.Context(), store, held.Machine, 100*time.Millisecond, event.Discard); !errors.As(err, &late) || !late.Page {
		t.Errorf("of one that its own run has not seen up: %v", err)
	}
	held.State = imagestore.Running
	if err := held.Save(); err != nil {
		t.Fatal(err)
	}
	if m, err := Wait(t.Context(), store, held.Machine, time.Minute, event.Discard); err != nil || m.URL != held.URL {
		t.Errorf("%+v, %v", m, err)
	}
	server.Close()
	go func() { _ = held.Release(context.Background()) }()
	if _, err := Wait(t.Context(), store, held.Machine, time.Minute, event.Discard); err == nil || errors.As(err, &late) {
		t.Errorf("of one that ends: %v", err)
	}
}
