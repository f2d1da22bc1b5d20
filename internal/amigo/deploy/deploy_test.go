package deploy

import (
	"archive/tar"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

var update = flag.Bool("update", false, "write the golden files")

func set(paths ...string) fileset.Set {
	s := fileset.Set{}
	for _, path := range paths {
		s.Add(fileset.Text(path, path))
	}
	return s
}

func deployed() fileset.Set {
	return set("/srv/amigo/perl/bin/amigo", "/srv/amigo/static/a.css", "/srv/solr/data/index/_1.fdt", "/etc/apache2/x",
		"/etc/systemd/system/jetty9.service.d/amigo.conf", "/etc/systemd/system/amigo-data.service", site.Share+"/schema")
}

func TestCompare(t *testing.T) {
	base := deployed()
	manifest, err := base.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change  func(fileset.Set)
		upload  []string
		gone    []string
		restart []string
		reload  bool
	}{
		"nothing": {func(fileset.Set) {}, nil, nil, nil, false},
		"a style": {func(s fileset.Set) { s.Add(fileset.Text("/srv/amigo/static/a.css", "new")) }, []string{"/srv/amigo/static/a.css"}, nil, nil, false},
		"program": {func(s fileset.Set) { s.Add(fileset.Text("/srv/amigo/perl/bin/amigo", "new")) }, []string{"/srv/amigo/perl/bin/amigo"}, nil, []string{"amigo-workers"}, false},
		"index": {func(s fileset.Set) {
			delete(s, "/srv/solr/data/index/_1.fdt")
			s.Add(fileset.Text("/srv/solr/data/index/_2.fdt", ""))
		}, []string{"/srv/solr/data/index/_2.fdt"}, []string{"/srv/solr/data/index/_1.fdt"}, []string{"jetty9"}, false},
		"schema of data on a disk of their own": {func(s fileset.Set) {
			s.Add(fileset.Text(site.Share+"/schema", "new"))
		}, []string{site.Share + "/schema"}, nil, []string{"amigo-data", "jetty9"}, false},
		"a service is gone": {func(s fileset.Set) {
			delete(s, "/etc/systemd/system/amigo-data.service")
			delete(s, site.Share+"/schema")
		}, nil, []string{site.Share + "/schema", "/etc/systemd/system/amigo-data.service"}, []string{"amigo-data", "jetty9"}, true},
		"settings": {func(s fileset.Set) {
			delete(s, "/etc/systemd/system/jetty9.service.d/amigo.conf")
			delete(s, "/etc/apache2/x")
		}, nil, []string{"/etc/systemd/system/jetty9.service.d/amigo.conf", "/etc/apache2/x"}, []string{"jetty9", "apache2"}, true},
	} {
		files := deployed()
		test.change(files)
		plan, _, err := Compare(files, manifest)
		if err != nil {
			t.Fatal(err)
		}
		var upload []string
		for _, f := range plan.Upload {
			upload = append(upload, f.Path)
		}
		got := []any{upload, plan.Gone, plan.Restart, plan.Reload}
		if diff := cmp.Diff([]any{test.upload, test.gone, test.restart, test.reload}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if plan.Empty() != (name == "nothing") {
			t.Errorf("%s: empty is %v", name, plan.Empty())
		}
	}
}

// TestServiceThatIsGone is stopped, and not started again.
func TestServiceThatIsGone(t *testing.T) {
	plan := Deployment{Gone: []string{unit("amigo-data"), unit("amigo-workers")}, Restart: []string{"amigo-data", "jetty9", "amigo-workers"}}
	if got := script(plan, Options{}); !strings.Contains(got, "systemctl restart jetty9\n") {
		t.Error(got)
	}
	if got := receive(plan); !strings.Contains(got, "systemctl stop jetty9.service amigo-workers.service") {
		t.Error(got)
	}
}

func TestScriptsAreGolden(t *testing.T) {
	plan := Deployment{Gone: []string{"/srv/amigo/old/a file", "/srv/amigo/old"}, Restart: []string{"jetty9", "amigo-workers", "apache2"}, Reload: true}
	o := Options{Operator: "amigo", Group: "sudo", Workers: true, Absent: []string{"/etc/apache2/sites-enabled/000-default.conf"}, Wait: time.Minute}
	golden(t, "script.sh", script(plan, o))
	golden(t, "receive.sh", receive(plan))
	golden(t, "quiet.sh", script(Deployment{}, Options{Wait: time.Minute}))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// recorder is a guest that keeps what it is told.
type recorder struct {
	answer string
	fail   error
	script string
	names  []string
}

func (r *recorder) Run(_ context.Context, c remote.Command) error {
	r.script = c.Script
	if c.Stdout != nil {
		_, _ = io.WriteString(c.Stdout, r.answer)
	}
	if r.fail != nil || c.Stdin == nil {
		return r.fail
	}
	plain, err := remote.Decompress(c.Stdin)
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }()
	archive := tar.NewReader(plain)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.names = append(r.names, header.Name+" "+header.Uname)
	}
}

func TestRun(t *testing.T) {
	files := set("/a")
	files.Add(fileset.Dir("/var/lib/amigo", 0o750, "www-data"))
	plan, record, err := Compare(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	guest := &recorder{}
	last := int64(0)
	err = Run(t.Context(), guest, plan, record, Options{Output: io.Discard, Progress: func(done, _ int64) { last = done }})
	if err != nil || last != plan.Size {
		t.Fatal(last, err)
	}
	want := []string{"a root", "var/lib/amigo/ www-data", "run/amigo-deploy.sh root", "usr/share/amigo-image/files.new root"}
	if diff := cmp.Diff(want, guest.names); diff != "" {
		t.Error(diff)
	}
	guest.fail = errors.New("gone")
	if err = Run(t.Context(), guest, plan, record, Options{Output: io.Discard}); !errors.Is(err, guest.fail) {
		t.Error(err)
	}
}

// TestCheckModules: Perl modules without a package are asked for, and named.
func TestCheckModules(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"debian": {"Config::YAML\n", ""}, // it is not asked
		"rocky":  {"", ""},
	} {
		d, err := distro.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckModules(t.Context(), &recorder{answer: c.answer}, d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	rocky, err := distro.Find("rocky")
	if err != nil {
		t.Fatal(err)
	}
	guest := &recorder{answer: "Config::YAML\nSQL::Tokenizer\n"}
	lacks := (*ModulesError)(nil)
	if err := CheckModules(t.Context(), guest, rocky); !errors.As(err, &lacks) || !slices.Equal(lacks.Modules, []string{"Config::YAML", "SQL::Tokenizer"}) || lacks.System != "Rocky Linux" {
		t.Errorf("%v", err)
	}
	if !strings.Contains(guest.script, " CGI::Application ") {
		t.Errorf("it was asked %q", guest.script)
	}
}

// TestSysusers: who has to be there is made before anything starts.
func TestSysusers(t *testing.T) {
	made := script(Deployment{Upload: []fileset.File{fileset.Text(site.Sysusers, "u jetty")}}, Options{})
	if at := strings.Index(made, "systemd-sysusers "+site.Sysusers); at < 0 || at > strings.Index(made, "systemctl") {
		t.Error(made)
	}
	if strings.Contains(script(Deployment{}, Options{}), "systemd-sysusers") {
		t.Error("nobody has to be made")
	}
}

func TestLook(t *testing.T) {
	sum := strings.Repeat("a", 64)
	guest := &recorder{answer: "debian\n13\n" + separator + "\napache2 2.4 amd64\ngit 1:2 amd64\n" + separator + "\n5000000\n" + separator + "\n" + sum + "  100644  /x\n"}
	facts, err := Look(t.Context(), guest)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"make", "zstd"}, facts.Missing([]string{"apache2", "git", "make", "zstd"})); diff != "" {
		t.Error(diff)
	}
	room := (*RoomError)(nil)
	if err := facts.Room(6_000_000); !errors.As(err, &room) || facts.Room(5_000_000) != nil || (Facts{}).Room(1) != nil {
		t.Errorf("%d free: %v", facts.Free, err)
	}
	if facts.Files["/x"].Sum != sum {
		t.Error(facts.Files)
	}
	guest.answer = "what?"
	if _, err := Look(t.Context(), guest); err == nil || !strings.Contains(err.Error(), "not understood") {
		t.Error(err)
	}
	guest.answer = "plan9\n4\n" + separator + "\n" + separator + "\n" + separator + "\n"
	if _, err := Look(t.Context(), guest); err == nil || !strings.Contains(err.Error(), `can't be provisioned: "plan9" is not known (known: almalinux, centos, debian, opensuse-leap, opensuse-tumbleweed, rocky, ubuntu)`) {
		t.Error(err)
	}
}
