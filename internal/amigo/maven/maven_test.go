package maven

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

const content = "a web application"

var artifact = Artifact{Group: "org.apache.solr", Name: "solr", Version: "3.6.2", Type: "war", SHA256: digest(content)}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// newMaven puts a mvn on the path that takes the same command line and runs
// script, with the directory for the file in $to. The tests of images use the
// real one.
func newMaven(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	head := "#!/bin/sh\nfor a; do case $a in -DoutputDirectory=*) to=${a#*=};; esac; done\necho \"$@\" >>" + dir + "/calls\n"
	if err := os.WriteFile(filepath.Join(dir, "mvn"), []byte(head+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("CALLS", dir+"/calls")
}

func TestGetOnce(t *testing.T) {
	newMaven(t, "printf '"+content+"' >$to/solr-3.6.2.war")
	c := cache.At(t.TempDir())
	for range 2 {
		file, err := Get(t.Context(), c, artifact)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != content {
			t.Errorf("%s: %q, %v", file, text, err)
		}
	}
	calls, err := os.ReadFile(os.Getenv("CALLS"))
	if err != nil || strings.Count(string(calls), "\n") != 1 || !strings.Contains(string(calls), "-Dartifact=org.apache.solr:solr:3.6.2:war ") {
		t.Errorf("%v:\n%s", err, calls)
	}
}

func TestGetFails(t *testing.T) {
	const mavenError = `printf "\033[0m"; echo '[ERROR] Failed to execute goal x:y (default-cli) on project standalone-pom: Could not find it -> [Help 1]'; echo '[ERROR] '; exit 1`
	for name, test := range map[string]struct {
		script, path string
		code         int
		says         []string
	}{
		"another file": {"echo another >$to/solr-3.6.2.war", "", fault.Verify, []string{"has sha256 " + digest("another\n"), "should have " + digest(content)}},
		"not there":    {mavenError, "", fault.Other, []string{": Could not find it (", "settings.xml"}},
		"no file":      {"", "", fault.Other, []string{"solr-3.6.2.war: no such file"}},
		"no Maven":     {"", "/nonexistent", fault.Host, []string{"mvn is not installed", "apt-get install maven"}},
	} {
		t.Run(name, func(t *testing.T) {
			newMaven(t, test.script)
			if test.path != "" {
				t.Setenv("PATH", test.path)
			}
			dir := t.TempDir()
			_, err := Get(t.Context(), cache.At(dir), artifact)
			if err == nil {
				t.Fatal("no error")
			}
			// The whole text is all that Packer shows.
			for _, part := range append(test.says, artifact.String()) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "Help 1") {
				t.Errorf("%q", err)
			}
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Code != test.code || f.Try == "" || len(f.What) > fault.Longest {
				t.Errorf("%+v", f)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) > 0 {
				t.Errorf("left in the cache: %q", left)
			}
		})
	}
}
