package amigo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// amigoSource is a directory with what every AmiGO has.
func amigoSource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{
		"package.json", "install", "gulpfile.js", "conf/.initial_values.yaml", "scripts/version.pl", "scripts/simulate.pl",
		"javascript/npm/amigo2-instance-data/package.json", "perl/bin/amigo", "perl/lib/AmiGO.pm",
		"golr/solr/conf/schema.xml", "golr/solr/conf/solrconfig.xml", "solr.war", "documents.xml",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	initial := "AMIGO_BETA:\n  type: boolean\n  value: 1\n"
	if err := os.WriteFile(filepath.Join(dir, "conf/.initial_values.yaml"), []byte(initial), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func block(dir string, more map[string]any) map[string]any {
	b := map[string]any{
		"source": dir,
		"golr":   map[string]any{"solr_war": dir + "/solr.war", "documents": []string{dir + "/documents.xml"}},
	}
	for name, value := range more {
		b[name] = value
	}
	return b
}

func TestPrepare(t *testing.T) {
	var p Provisioner
	if err := p.Prepare(block(amigoSource(t), nil)); err != nil {
		t.Fatal(err)
	}
	c := p.config
	if c.BundleOn != "auto" || c.Serve != "workers" || c.Operator != "amigo" || c.GOlr.Memory != "" || c.Packages != nil {
		t.Errorf("defaults: %+v", c)
	}
}

func TestPrepareTellsOfEveryFault(t *testing.T) {
	var p Provisioner
	err := p.Prepare(map[string]any{
		"source": "/nowhere/at/all", "bundle_on": "moon", "serve": "tea", "operator": "Root User",
		"packages": []string{"a b"}, "certificate_authorities": []string{"/nowhere.pem"},
		"golr": map[string]any{"memory": "much", "timestamp_log": "/nowhere.log"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, fault := range []string{
		"source: /nowhere/at/all", "bundle_on: \"moon\"", "serve: \"tea\"", "operator: \"Root User\"", "packages: \"a b\"",
		"certificate_authorities: ", "golr.memory: \"much\"", "golr.timestamp_log: ", "golr: needs exactly one",
	} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not told in: %v", fault, err)
		}
	}
}

func TestPrepareChecksTheInstance(t *testing.T) {
	dir := amigoSource(t)
	var p Provisioner
	err := p.Prepare(block(dir, map[string]any{"instance": map[string]string{"AMIGO_BTEA": "1", "AMIGO_BETA": "maybe"}}))
	if err == nil || !strings.Contains(err.Error(), "instance: AMIGO_BTEA: this AmiGO has no such setting (did you mean AMIGO_BETA?)") ||
		!strings.Contains(err.Error(), `instance: AMIGO_BETA: "maybe" is not a boolean`) {
		t.Error(err)
	}
}

func TestPrepareRefusesUnknownNames(t *testing.T) {
	var p Provisioner
	if err := p.Prepare(block(amigoSource(t), map[string]any{"sorce": "x"})); err == nil || !strings.Contains(err.Error(), "sorce") {
		t.Error(err)
	}
}

func TestSpecKnowsBlocks(t *testing.T) {
	spec := new(Provisioner).ConfigSpec()
	for _, name := range []string{"source", "ref", "instance", "golr", "bundle_on", "certificate_authorities"} {
		if _, ok := spec[name]; !ok {
			t.Errorf("%s is not in the block's shape", name)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := amigoSource(t)
	fingerprint := func(more map[string]any) string {
		var p Provisioner
		if err := p.Prepare(block(dir, more)); err != nil {
			t.Fatal(err)
		}
		sum, err := p.Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first := fingerprint(nil)
	if fingerprint(nil) != first {
		t.Error("the same block has two fingerprints")
	}
	for _, more := range []map[string]any{{"serve": "cgi"}, {"operator": "other"}, {"instance": map[string]string{"AMIGO_BETA": "0"}}} {
		if fingerprint(more) == first {
			t.Errorf("%v changes nothing", more)
		}
	}
	for _, name := range []string{"documents.xml", "solr.war", "perl/bin/amigo"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("changed"), 0o644); err != nil {
			t.Fatal(err)
		}
		if next := fingerprint(nil); next == first {
			t.Errorf("%s changes nothing", name)
		} else {
			first = next
		}
	}
}
