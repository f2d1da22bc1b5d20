package amigo

import (
	"archive/zip"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox/sandboxtest"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const sample = "../../examples/amigo/sample"

// programs are this host's that builds and deployments call.
var programs = []string{
	"sh", "cat", "chmod", "cp", "cut", "dpkg-query", "grep", "head", "id", "ip", "mkdir", "mktemp", "mount", "mv",
	"rm", "rmdir", "sed", "sleep", "tail", "tar", "unshare", "zstd",
}

// standIns are programs that take the place of what is large or slow: Node,
// Solr, systemd and apt. Each does of its work what is looked at here.
var standIns = map[string]string{
	"/etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n",
	"/usr/bin/node": `#!/bin/sh
case $1 in
--version) ;;
*/npm-cli.js) exec sh -eu "$@" ;;
*) cat node_modules/registry >javascript/staging/Page.js ;;
esac
`,
	"/usr/bin/perl":  "#!/bin/sh\n",
	"/usr/bin/rsync": "#!/bin/sh\n",
	"/usr/bin/java":  "#!/bin/sh\nexec sleep 600\n",
	"/usr/bin/curl": `#!/bin/sh
for url; do
    case ${before-} in -T) cat "$url" >>/mnt/out/index/segments_1 2>/dev/null || { mkdir /mnt/out/index; cat "$url" >/mnt/out/index/segments_1; } ;; esac
    before=$url
done
case $url in
*wt=json*) echo '{"response":{"numFound":42}}' >answer ;;
*annotation_class*) printf 'GO:0006915\tapoptotic process\n' >answer ;;
*) : >answer ;;
esac
printf 200
`,
	"/usr/bin/apt-get":                            "#!/bin/sh\necho \"$*\" >>/etc/apt-get.log\necho \"apt-get says $1\"\n",
	"/usr/sbin/update-ca-certificates":            "#!/bin/sh\ncat /usr/local/share/ca-certificates/*.crt >/etc/trusted\n",
	"/usr/bin/systemctl":                          "#!/bin/sh\nexit 3\n", // nothing is active
	"/etc/passwd":                                 "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\noperator:x:1000:1000::/:/bin/sh\n",
	"/etc/group":                                  "root:x:0:\nwww-data:x:33:\n",
	"/etc/nsswitch.conf":                          "passwd: files\ngroup: files\n",
	"/usr/local/share/ca-certificates/README":     "",
	"/etc/resolv.conf":                            "",
	"/etc/ssl/certs/ca-certificates.crt":          "",
	"/etc/apache2/sites-enabled/000-default.conf": "Debian's",
	"/var/lib/dpkg/status": "Package: git\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMaintainer: x\nDescription: x\n\n" +
		"Package: zstd\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\nMaintainer: x\nDescription: x\n",
}

// install is AmiGO's, but for most of what it does.
const install = `#!/bin/sh
set -eu
mkdir -p perl/bin javascript/npm/amigo2-instance-data/lib/data
{ sed -n '/^AMIGO_VERBOSE:/,/value/s/^ *value: \(.*\)/$ENV{AMIGO_VERBOSE}='"'\1'"';/p' conf/amigo.yaml; echo '1;'; } >perl/bin/config.pl
echo '{}' >javascript/npm/amigo2-instance-data/lib/data/golr.js
`

// disk is a guest that is a root file system on this host.
type disk struct{ dir string }

// guest unpacks a root file system, for a guest that can change it.
func guest(t *testing.T, rootfs string) disk {
	t.Helper()
	dir := t.TempDir()
	for _, cmd := range []command.Cmd{{Name: "tar", Args: []string{"-C", dir, "-xf", rootfs}}, {Name: "chmod", Args: []string{"755", filepath.Dir(dir)}}} {
		if err := command.Run(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = userns.RemoveAll(dir) })
	return disk{dir}
}

func (d disk) Run(ctx context.Context, c remote.Command) error {
	cmd := userns.Command("bwrap", "--bind", d.dir, "/", "--dev", "/dev", "--proc", "/proc", "--cap-add", "ALL",
		"--die-with-parent", "--unshare-pid", "--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin",
		"sh", "-eu", "-c", c.Script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	return command.Run(ctx, cmd)
}

// read returns the text of a file on the disk, or "".
func (d disk) read(t *testing.T, path string) string {
	t.Helper()
	var text strings.Builder
	if err := d.Run(t.Context(), remote.Command{Script: "[ ! -e " + path + " ] || cat " + path, Stdout: &text}); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// files are what a deployment wrote down that it brought.
func (d disk) files(t *testing.T) fileset.Manifest {
	t.Helper()
	m, err := fileset.ParseManifest(strings.NewReader(d.read(t, "/usr/share/amigo-image/files")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sink keeps what people and the log are told.
type sink struct {
	mu     sync.Mutex
	events []event.Event
}

func (s *sink) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// phases returns how phases ended, and forgets them.
func (s *sink) phases() map[string]string {
	ended := map[string]string{}
	for _, e := range s.events {
		if e.Type == event.PhaseEnd {
			ended[e.Phase] = string(e.Status) + " " + e.Text
		}
	}
	s.events = nil
	return ended
}

func (s *sink) said(kind event.Type, text string) bool {
	for _, e := range s.events {
		if e.Type == kind && strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
}

// amigo is the sample with an install that needs no more than a shell.
func amigo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "amigo")
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "install"), []byte(install), 0o755), os.Chmod(filepath.Join(dir, "install"), 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// manager is npm's package, with an npm that takes what is wanted for installed.
func manager(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"npm-cli.js": "mkdir -p node_modules\necho \"registry $npm_config_registry\" >node_modules/registry\n", "npx-cli.js": "",
	} {
		file := filepath.Join(dir, "package", "bin", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tar := command.Cmd{Name: "tar", Args: []string{"-C", dir, "-czf", filepath.Join(dir, "npm.tgz"), "package"}}
	if err := command.Run(t.Context(), tar); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "npm.tgz")
}

// war is a web application that does nothing.
func war(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "solr.war")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(f)
	_, err = archive.Create("WEB-INF/web.xml")
	if err := errors.Join(err, archive.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func config(t *testing.T) Config {
	t.Helper()
	return Config{
		Source:       source.Spec{Location: amigo(t)},
		GOlr:         golr.Spec{Documents: []string{sample + "/golr-documents.xml"}, War: war(t)},
		Instance:     map[string]string{"AMIGO_VERBOSE": "1"},
		Memory:       "512m",
		TimestampLog: sample + "/data/golr_timestamp.log",
		ReleaseDOI:   sample + "/data/release-archive-doi.json",
		NPM:          npm.Spec{Package: manager(t), Registry: "https://npm.example.org/"},
		On:           OnSystem, BundleOn: Host, Serve: site.Workers, Packages: []string{"git"}, Operator: "operator",
	}
}

func provisioned(t *testing.T, c Config, d disk, rootfs string, store cache.Dir, s *sink) map[string]string {
	t.Helper()
	if _, err := Provision(t.Context(), c, d, rootfs, store, s); err != nil {
		t.Fatal(err)
	}
	return s.phases()
}

// TestProvisionData moves the data of a guest to a disk of their own, and back.
func TestProvisionData(t *testing.T) {
	rootfs, store, c, s := sandboxtest.RootFS(t, programs, standIns), cache.At(t.TempDir()), config(t), new(sink)
	d := guest(t, rootfs)
	provisioned(t, c, d, rootfs, store, s)
	c.On = OnData
	made, err := Provision(t.Context(), c, d, rootfs, store, s)
	if err != nil || made.Data == nil {
		t.Fatal(made, err)
	}
	if phases := s.phases(); !strings.HasPrefix(phases["data"], "ok 42 documents, ") || phases["golr"] != "cached 42 documents" {
		t.Errorf("%q", phases)
	}
	if about := made.Data.About; about.GOlr.Documents != 42 || about.GOlr.On != manifest.OnData || about.GOlr.Schema == "" || about.Test.Term != "GO:0006915" {
		t.Errorf("%+v", about)
	}
	if d.read(t, site.SolrHome+"/data/index/segments_1") != "" {
		t.Error("the index is still in the guest")
	}
	if schema := d.read(t, "/usr/share/amigo-image/schema"); schema != made.Data.About.GOlr.Schema+"\n" {
		t.Errorf("the guest expects the schema %q", schema)
	}
	if about := d.read(t, "/usr/share/amigo-image/about.json"); strings.Contains(about, `"documents"`) || !strings.Contains(about, `"on": "data"`) {
		t.Error(about)
	}
	if config := d.read(t, "/srv/amigo/perl/bin/config.pl"); !strings.Contains(config, "'/srv/golr/current/release'") || strings.Contains(config, "DATA_DOI_IN_USE}") {
		t.Error(config)
	}
	c.On = OnSystem
	if made, err = Provision(t.Context(), c, d, rootfs, store, s); err != nil || made.Data != nil {
		t.Fatal(made, err)
	}
	if d.read(t, site.SolrHome+"/data/index/segments_1") == "" || d.read(t, "/usr/share/amigo-image/schema") != "" {
		t.Error("the data did not come back")
	}
}

// TestProvision brings AmiGO to a guest, then again, then another AmiGO: what
// has not changed is neither made nor brought a second time.
func TestProvision(t *testing.T) {
	rootfs, store, c, s := sandboxtest.RootFS(t, programs, standIns), cache.At(t.TempDir()), config(t), new(sink)
	d := guest(t, rootfs)
	first := provisioned(t, c, d, rootfs, store, s)
	if first["golr"] != "ok 42 documents" || first["bundles"] != "ok " || !strings.HasPrefix(first["deploy"], "ok ") || first["packages"] != "" {
		t.Errorf("%q", first)
	}
	documents, err := os.ReadFile(c.GOlr.Documents[0])
	if err != nil {
		t.Fatal(err)
	}
	if d.read(t, site.SolrHome+"/data/index/segments_1") != string(documents) {
		t.Error("the index is not that of the documents")
	}
	for path, want := range map[string]string{
		"/srv/amigo/perl/bin/config.pl":                   "$ENV{AMIGO_VERBOSE}='1';",
		"/srv/amigo/javascript/staging/Page.js":           "registry https://npm.example.org/",
		"/srv/solr/conf/schema.xml":                       "<schema",
		"/var/lib/amigo/golr_timestamp.log":               "\t",
		"/usr/local/bin/npm":                              "mkdir -p node_modules",
		"/var/lib/amigo/release-archive-doi.json":         "10.",
		"/etc/apache2/sites-enabled/amigo.conf":           "VirtualHost",
		"/etc/systemd/system/jetty9.service.d/amigo.conf": "[Service]",
	} {
		if got := d.read(t, path); !strings.Contains(got, want) {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
	if d.read(t, distro.Standard().Web.Absent[0]) != "" {
		t.Error("Debian's own site is left")
	}
	describes(t, d)

	again := provisioned(t, c, d, rootfs, store, s)
	want := map[string]string{
		"source": first["source"], "bundles": "cached ", "golr": "cached 42 documents", "deploy": "cached the guest has everything",
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("the second time (-want +got)\n%s", diff)
	}

	style := filepath.Join(c.Source.Location, "static/css/sample.css")
	if err := os.WriteFile(style, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	changed := provisioned(t, c, d, rootfs, store, s)
	if !strings.HasPrefix(changed["deploy"], "ok 1 files, 3 B") || changed["golr"] != want["golr"] || d.read(t, "/srv/amigo/static/css/sample.css") != "new" {
		t.Errorf("with another style: %q", changed)
	}
}

// describes checks what an image tells of itself.
func describes(t *testing.T, d disk) {
	t.Helper()
	var about struct {
		AmiGO struct{ Version, Source string }
		GOlr  struct {
			Documents int
			Date, DOI string
		}
		Serve string
		Test  struct{ Search, Term string }
	}
	if err := json.Unmarshal([]byte(d.read(t, site.Share+"/about.json")), &about); err != nil {
		t.Fatal(err)
	}
	if about.AmiGO.Version == "" || about.AmiGO.Source != "amigo" || about.GOlr.Documents != 42 || about.GOlr.Date == "" || about.GOlr.DOI == "" ||
		about.Serve != site.Workers || about.Test.Search != "apoptotic process" || about.Test.Term != "GO:0006915" {
		t.Errorf("it says of itself %+v", about)
	}
	if d.read(t, site.Share+"/runtime.list") == "" {
		t.Error("it does not say what it needs to run")
	}
}

// TestBuiltInTheGuest: where the host cannot build, the guest does, with the
// same result, and nothing of that is left in it. It trusts the authorities
// before it uses the network.
func TestBuiltInTheGuest(t *testing.T) {
	rootfs, store, c, s := sandboxtest.RootFS(t, programs, standIns), cache.At(t.TempDir()), config(t), new(sink)
	native := guest(t, rootfs)
	provisioned(t, c, native, rootfs, store, s)

	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o644); err != nil {
		t.Fatal(err)
	}
	c.BundleOn, c.Authorities, c.Packages = Auto, []string{authority}, []string{"git", "zstd", "apache2"}
	d := guest(t, rootfs)
	if _, err := Provision(t.Context(), c, d, "", store, s); err != nil {
		t.Fatal(err)
	}
	if !s.said(event.Message, "built in the guest, which is slow: the builder offers no root file system") || !s.said(event.Detail, "apt-get says install") {
		t.Errorf("it was not said: %+v", s.events)
	}
	if ended := s.phases(); ended["packages"] != "ok " {
		t.Errorf("%q", ended)
	}
	if got := d.read(t, "/etc/apt-get.log"); got != "update -qq\ninstall -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 zstd apache2\n" {
		t.Errorf("apt-get was told %q", got)
	}
	if got := d.read(t, "/etc/trusted"); got != string(text) {
		t.Errorf("it trusts %q", got)
	}
	if diff := cmp.Diff(native.files(t), d.files(t)); diff != "" {
		t.Errorf("the guest builds otherwise (-host +guest)\n%s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(d.dir, "var/tmp/*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left in the guest", left)
	}
}

// TestProvisionFails: each step's fault names what a user can change, and no
// step comes after one that failed.
func TestProvisionFails(t *testing.T) {
	rootfs := sandboxtest.RootFS(t, programs, standIns)
	for name, test := range map[string]struct {
		change func(*Config)
		field  string // of the error, or ""
		want   string
		phase  string // the last
	}{
		"source":       {func(c *Config) { c.Source.Location = t.TempDir() }, "", "is not AmiGO's source", "source"},
		"setting":      {func(c *Config) { c.Instance = map[string]string{"AMIGO_VERBOS": "1"} }, "Instance", "did you mean AMIGO_VERBOSE?", "bundles"},
		"workshop":     {func(c *Config) { c.BundleOn = Host }, "BundleOn", `"host" is not possible`, "bundles"},
		"solr.war":     {func(c *Config) { c.GOlr.War = c.TimestampLog }, "GOlr.War", "", "golr"},
		"release data": {func(c *Config) { c.TimestampLog = c.ReleaseDOI }, "TimestampLog", "has no line of four fields", ""},
		"authorities":  {func(c *Config) { c.Authorities, c.Packages = []string{"/missing.pem"}, []string{"zstd"} }, "Authorities", "/missing.pem", ""},
	} {
		c, s, from := config(t), new(sink), rootfs
		test.change(&c)
		if name == "workshop" {
			from = c.GOlr.War
		}
		d := guest(t, rootfs)
		_, err := Provision(t.Context(), c, d, from, cache.At(t.TempDir()), s)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
			continue
		}
		var of *field.Error
		if errors.As(err, &of) != (test.field != "") || of != nil && of.Field != test.field {
			t.Errorf("%s: it is an error of the field %+v, want %q", name, of, test.field)
		}
		last := ""
		for _, e := range s.events {
			if e.Type == event.PhaseStart {
				last = e.Phase
			}
		}
		if last != test.phase || test.phase != "" && !strings.HasPrefix(s.phases()[test.phase], "failed ") {
			t.Errorf("%s: the last phase is %q, want %q", name, last, test.phase)
		}
		if d.read(t, site.Share+"/files") != "" {
			t.Errorf("%s: something was brought to the guest", name)
		}
	}
}
