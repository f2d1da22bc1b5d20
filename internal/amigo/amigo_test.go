package amigo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// TestValidate: each thing that is wrong is told, as that of its field.
func TestValidate(t *testing.T) {
	good := config(t)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Config)
		faults []string // fields and beginnings of what is said of them
	}{
		"memory": {func(c *Config) { c.Memory = "0512m" }, []string{`Memory: "0512m" is not a size`}},
		"modes": {func(c *Config) { c.BundleOn, c.Serve, c.On = "moon", "fcgi", "mars" }, []string{
			`BundleOn: "moon" is not "auto", "host" or "guest"`, `Serve: "fcgi" is not "workers" or "cgi"`, `On: "mars" is not "auto", "system" or "data"`,
		}},
		"names": {func(c *Config) { c.Operator, c.Packages = "Operator", []string{"git", "-y", "a b"} }, []string{
			`Operator: "Operator" is not`, `Packages: "-y" is not`, `Packages: "a b" is not`,
		}},
		"readers": {func(c *Config) { c.Readers = site.Readers{"*", "example.org"} }, []string{`Readers: "example.org" is not`}},
		"files": {func(c *Config) { c.Authorities, c.TimestampLog = []string{c.ReleaseDOI}, "/missing" }, []string{
			"Authorities: reading a certificate authority: ", "TimestampLog: open /missing: ",
		}},
		"parts": {func(c *Config) { c.Source.Location, c.GOlr.Documents = "", nil }, []string{"Source: is missing", "GOlr: needs exactly one of"}},
		"settings": {func(c *Config) { c.Instance = map[string]string{"AMIGO_ROOT": "/opt", "AMIGO_STATIC_URL": "/s"} }, []string{
			"Instance: AMIGO_ROOT: cannot be set", "Instance: AMIGO_STATIC_URL: cannot be set",
		}},
		"misspelt": {func(c *Config) { c.Instance = map[string]string{"AMIGO_VERBOS": "1"} }, []string{"Instance: AMIGO_VERBOS: "}},
	} {
		c := good
		test.change(&c)
		err := c.Validate()
		if err == nil {
			t.Errorf("%s: nothing is wrong", name)
			continue
		}
		told := strings.Split(err.Error(), "\n")
		slices.Sort(told)
		slices.Sort(test.faults)
		if !slices.EqualFunc(told, test.faults, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", name, told, test.faults)
		}
		if !errors.As(err, new(*field.Error)) {
			t.Errorf("%s: it is an error of no field", name)
		}
	}
}

// TestValidateKnowsNoOtherSource: what a source that is not here calls its
// settings is seen when it is.
func TestValidateKnowsNoOtherSource(t *testing.T) {
	c := config(t)
	c.Instance = map[string]string{"NEW_SETTING": "1"}
	c.Source.Location, c.Source.Ref = "https://example.org/amigo.git", "main"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// TestDigest: whatever changes what is brought to a guest changes the digest.
func TestDigest(t *testing.T) {
	store, base := cache.At(t.TempDir()), config(t)
	digest := func(change func(*Config)) string {
		t.Helper()
		c := base
		change(&c)
		sum, err := c.Digest(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	seen := map[string]string{digest(func(*Config) {}): "nothing"}
	if digest(func(c *Config) { c.Instance = map[string]string{"AMIGO_VERBOSE": "1"} }) != digest(func(*Config) {}) {
		t.Error("the same settings have another digest")
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("kind\t1\t2030-01-01\tfile\nand 10.5281/zenodo.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"instance":  func(c *Config) { c.Instance = nil },
		"memory":    func(c *Config) { c.Memory = "1g" },
		"registry":  func(c *Config) { c.NPM.Registry = "" },
		"bundle_on": func(c *Config) { c.BundleOn = Guest },
		"on":        func(c *Config) { c.On = OnData },
		"serve":     func(c *Config) { c.Serve = site.CGI },
		"packages":  func(c *Config) { c.Packages = nil },
		"operator":  func(c *Config) { c.Operator = "somebody" },
		"readers":   func(c *Config) { c.Readers = site.Readers{"*"} },
		"log":       func(c *Config) { c.TimestampLog = other },
		"doi":       func(c *Config) { c.ReleaseDOI = other },
		"documents": func(c *Config) { c.GOlr.Documents = []string{other} },
		"war":       func(c *Config) { c.GOlr.War = other },
		"source": func(c *Config) {
			c.Source.Location = amigo(t)
			if err := os.WriteFile(filepath.Join(c.Source.Location, "static/robots.txt"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"commit": func(c *Config) {
			c.Source.Location = amigo(t)
			for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"}} {
				if err := command.Run(t.Context(), command.Cmd{Name: "git", Args: args, Dir: c.Source.Location}); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		sum := digest(change)
		if same, ok := seen[sum]; ok {
			t.Errorf("another %s gives the digest of %s", name, same)
		}
		seen[sum] = name
	}
}

func TestDigestFails(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"source":  func(c *Config) { c.Source.Location = t.TempDir() },
		"index":   func(c *Config) { c.GOlr.Documents = []string{"/missing.xml"} },
		"release": func(c *Config) { c.ReleaseDOI = "/missing.json" },
	} {
		c := config(t)
		change(&c)
		if sum, err := c.Digest(t.Context(), cache.At(t.TempDir())); err == nil || sum != "" {
			t.Errorf("%s: %q, %v", name, sum, err)
		}
	}
}

// TestTargets: pages may send forms to the services that a built AmiGO names.
func TestTargets(t *testing.T) {
	dir := t.TempDir()
	if got, err := targets(dir); err != nil || got != nil {
		t.Errorf("of a tree without services: %q, %v", got, err)
	}
	path := filepath.Join(dir, "conf", "rte_resources.yaml")
	for text, want := range map[string][]string{
		"- webservice: http://pantherdb.org/webservices/go/overrep.jsp\n": {"http://pantherdb.org"},
		"- webservice: [\n": nil,
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		if got, err := targets(dir); !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestFit: what nobody has set follows from the size of the index.
func TestFit(t *testing.T) {
	for name, test := range map[string]struct {
		on, memory string
		size       int64
		want       [2]string
	}{
		"small":   {OnAuto, "", large, [2]string{OnSystem, "512m"}},
		"large":   {OnAuto, "", 8 << 30, [2]string{OnData, "1792m"}},
		"set":     {OnSystem, "4g", 8 << 30, [2]string{OnSystem, "4g"}},
		"on data": {OnData, "", 1, [2]string{OnData, "512m"}},
	} {
		p := &provision{Config: Config{On: test.on, Memory: test.memory}}
		p.fit(golr.Index{Size: test.size})
		if got := [2]string{p.On, p.Memory}; got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
