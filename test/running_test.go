//go:build vm

package test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	session "github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// patience is for an emulated guest that starts a Java virtual machine.
const patience = 15 * time.Minute

// TestRunningImage uses the distribution image: in a browser, then upgraded in
// place and served the other way. It is one guest, since starting one takes
// minutes.
func TestRunningImage(t *testing.T) {
	m := boot(t)
	t.Run("browser", m.browser)
	before := m.pages(t)
	t.Run("cgi serves the same pages", func(t *testing.T) { m.serveAsCGI(t, before) })
	t.Run("upgrade changes what changed", m.upgrade)
	t.Run("failed upgrade changes nothing", m.failedUpgrade)
}

// machine is the running image.
type machine struct {
	vm    *session.Machine
	shell *guest.Guest
}

func boot(t *testing.T) *machine {
	key, err := guest.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	vm, err := session.Start(t.Context(), qemu.Options{
		Name:    "amigo-test-running",
		Disks:   []qemu.Disk{{Path: disk("distribution"), Format: "qcow2", Snapshot: true}},
		Forward: []int{22, 80},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Close)
	shell, err := vm.Login(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{vm: vm, shell: shell}
	m.await(t, "/amigo")
	m.await(t, "/solr/select?q=*:*&rows=0")
	return m
}

// await waits until a page answers.
func (m *machine) await(t *testing.T, path string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		status, _ := m.get(t, path)
		if status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s gives %d", path, status)
		}
		time.Sleep(time.Second)
	}
}

// get returns the status and body of a page, or 0 if there is no answer.
func (m *machine) get(t *testing.T, path string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.vm.Addr(80)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(body)
}

// visited are the pages that are compared.
var visited = []string{"/amigo", "/amigo/search/annotation", "/amigo/term/GO:0008219", "/grebe"}

func (m *machine) pages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, path := range visited {
		status, body := m.get(t, path)
		if status != http.StatusOK {
			t.Errorf("%s gives %d", path, status)
		}
		pages[path] = body
	}
	return pages
}

// browser opens pages in Chromium under a name that the image can't know, and
// leaves screenshots in the directory pictures.
func (m *machine) browser(t *testing.T) {
	for path, want := range map[string]string{
		"/":                      "AmiGO is running",
		"/amigo":                 "AmiGO 2: Welcome",
		"/amigo/search/ontology": "mitotic cell cycle",
		"/amigo/term/GO:0008219": "GO:0008219",
		// What people type first, and what nobody has.
		"/amigo/medial_search?q=apoptosis":  "GO:0006915",
		"/amigo/search/ontology?q=nowhere1": "Nothing was found",
	} {
		dom := m.open(t, path)
		if !strings.Contains(dom, want) {
			t.Errorf("%s does not show %q:\n%.2000s", path, want, dom)
		}
		if strings.Contains(dom, "???") {
			t.Errorf("%s shows ???", path)
		}
	}
}

// open returns a page's document as it is after its scripts have run.
func (m *machine) open(t *testing.T, path string) string {
	t.Helper()
	_, port, _ := strings.Cut(m.vm.Addr(80), ":")
	picture, err := filepath.Abs(filepath.Join(pictures, "page"+strings.ReplaceAll(path, "/", "-")+".png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"--screenshot=" + picture, "--dump-dom"} {
		out, err := command.Output(t.Context(), command.Cmd{Name: "chromium", Args: []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--disable-quic", "--hide-scrollbars",
			"--user-data-dir=" + t.TempDir(), "--window-size=1280,900", "--virtual-time-budget=30000",
			"--host-resolver-rules=MAP amigo.test 127.0.0.1", action, "http://amigo.test:" + port + path,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if action == "--dump-dom" {
			return string(out)
		}
	}
	return ""
}

// serveAsCGI provisions the running image again with the other setting.
func (m *machine) serveAsCGI(t *testing.T, before map[string]string) {
	m.provision(t, template+"/sample", "cgi")
	for path, body := range m.pages(t) {
		if body != before[path] {
			t.Errorf("%s is another page under cgi", path)
		}
	}
	status, err := m.shell.Output(t.Context(), "systemctl is-active amigo-workers || true")
	if err != nil || strings.TrimSpace(status) == "active" {
		t.Errorf("the workers still run: %q, %v", status, err)
	}
}

// upgrade provisions the running image from a source in which one template
// differs.
func (m *machine) upgrade(t *testing.T) {
	changed := filepath.Join(t.TempDir(), "amigo")
	if err := os.CopyFS(changed, os.DirFS(template+"/sample")); err != nil {
		t.Fatal(err)
	}
	footer := filepath.Join(changed, "templates/html/bs3/common/footer.tmpl")
	content, err := os.ReadFile(footer)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(footer, append(content, []byte("<!-- upgraded -->\n")...), 0o644); err != nil {
		t.Fatal(err)
	}
	touched := m.touchedBy(t, func() { m.provision(t, changed, "cgi") })
	if _, body := m.get(t, "/amigo"); !strings.Contains(body, "<!-- upgraded -->") {
		t.Error("the page is not the new one")
	}
	for _, path := range touched {
		if !strings.HasSuffix(path, "footer.tmpl") && !strings.HasPrefix(path, "/usr/share/amigo-image/") &&
			!strings.HasPrefix(path, "/var/lib/amigo/") {
			t.Errorf("%s was touched", path)
		}
	}
}

// failedUpgrade provisions the running image from a source that cannot be
// built: it goes on serving what it has.
func (m *machine) failedUpgrade(t *testing.T) {
	dir := t.TempDir()
	spoil("javascript/web/Bad.js", "var x = (\n")(t, dir)
	touched := m.touchedBy(t, func() {
		err := m.tryProvision(t, filepath.Join(dir, "amigo"), "cgi")
		if err == nil || !strings.Contains(err.Error(), "AmiGO's bundling failed") {
			t.Errorf("got %v", err)
		}
	})
	if len(touched) > 0 {
		t.Errorf("%q were touched", touched)
	}
	if _, body := m.get(t, "/amigo"); !strings.Contains(body, "<!-- upgraded -->") {
		t.Error("the page is another one")
	}
}

// touchedBy returns the files of the running image that f changes.
func (m *machine) touchedBy(t *testing.T, f func()) []string {
	t.Helper()
	const list = "find /srv /etc /usr/share/amigo-image /var/lib/amigo -type f -newer /run/before | sort"
	if _, err := m.shell.Output(t.Context(), "sleep 1; touch /run/before; sleep 1"); err != nil {
		t.Fatal(err)
	}
	f()
	touched, err := m.shell.Output(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(touched)
}

func (m *machine) provision(t *testing.T, from, serve string) {
	t.Helper()
	if err := m.tryProvision(t, from, serve); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) tryProvision(t *testing.T, from, serve string) error {
	t.Helper()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	config := amigo.Config{
		Source:       source.Spec{Location: from},
		GOlr:         golr.Spec{Documents: []string{template + "/sample/golr-documents.xml"}},
		Memory:       "512m",
		TimestampLog: template + "/sample/data/golr_timestamp.log",
		ReleaseDOI:   template + "/sample/data/release-archive-doi.json",
		On:           amigo.OnSystem, BundleOn: amigo.Auto, Serve: serve, Operator: "amigo",
	}
	_, err = amigo.Provision(t.Context(), config, shell{m.shell}, rootFS(t, store), store, logSink{t})
	return err
}

// shell lets the provisioner's engine work over our own SSH.
type shell struct{ guest *guest.Guest }

func (s shell) Run(ctx context.Context, c remote.Command) error {
	var nowhere bytes.Buffer
	stdin, stdout, stderr := c.Stdin, c.Stdout, c.Stderr
	if stdin == nil {
		stdin = &nowhere
	}
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	return s.guest.Exec(ctx, "sh -eu -c "+shellescape.Quote(c.Script), stdin, stdout, stderr)
}

// rootFS returns the root file system that the image was built in.
func rootFS(t *testing.T, store cache.Dir) string {
	t.Helper()
	plan, err := bootstrap.Resolve(t.Context(), store, exampleSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	path, _, err := bootstrap.RootFS(t.Context(), store, plan, event.Start(event.Discard, "base", ""))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// exampleSpec is what the template bootstraps.
func exampleSpec(t *testing.T) bootstrap.Spec {
	t.Helper()
	return bootstrap.Spec{
		Distribution: "debian", Release: distro.Standard().Default, Architecture: "amd64", DiskSize: 8 << 30,
		Needs: []string{distro.AmiGO, distro.Production},
	}
}

type logSink struct{ t *testing.T }

func (s logSink) Emit(e event.Event) {
	if e.Type != event.Progress && e.Type != event.Detail {
		s.t.Logf("%s %s %s %s", e.Type, e.Phase, e.Status, e.Text)
	}
}
