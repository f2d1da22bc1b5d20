//go:build vm

package test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestSources has the provisioner build the sample, natively, from a git
// repository and from an archive, up to a guest that takes everything. They
// are the same files, so the second is not built again.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	copied := filepath.Join(dir, "amigo")
	if err := os.CopyFS(copied, os.DirFS(template+"/sample")); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "amigo-0.1.0.tar.gz")
	run(t, "", "tar", "-C", dir, "-czf", archive, "amigo")
	sum, err := fetch.Sum(archive)
	if err != nil {
		t.Fatal(err)
	}
	git := []string{"-C", copied, "-c", "user.name=a", "-c", "user.email=a@example.org"}
	run(t, "", "git", append(git, "init", "-q", "-b", "main")...)
	run(t, "", "git", append(git, "add", "-A", "-f")...)
	run(t, "", "git", append(git, "commit", "-q", "-m", "first")...)
	run(t, "", "git", append(git, "tag", "v0.1.0")...)
	commit := strings.TrimSpace(run(t, "", "git", append(git, "rev-parse", "HEAD")...))

	for _, from := range []struct{ settings, says string }{
		{`source = "file://` + copied + "\"\n ref = \"v0.1.0\"", `source phase-end ok \S+ \S+ AmiGO 0.1.0, commit ` + commit[:12]},
		{`source = "` + archive + "\"\n source_checksum = \"sha256:" + sum + `"`, `source phase-end ok \S+ \S+ AmiGO 0.1.0`},
	} {
		said := provisionNothing(t, from.settings+golrBlock)
		for _, want := range []string{from.says, `bundles phase-end (ok|cached)`, `golr phase-end (ok|cached) .*298 documents`, `deploy phase-end ok .* \d+ files`} {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s: no line is like %q\n%s", from.settings, want, said)
			}
		}
	}
}

// TestOwnAnnotations has Solr make an index of an ontology and annotations, as the
// provisioner does for somebody who has their own.
func TestOwnAnnotations(t *testing.T) {
	loader, err := filepath.Abs("../internal/amigo/loader/testdata")
	if err != nil {
		t.Fatal(err)
	}
	sample, err := filepath.Abs(template + "/sample")
	if err != nil {
		t.Fatal(err)
	}
	said := provisionNothing(t, `source = "`+sample+`"
 golr {
  ontology    = ["`+loader+`/../../ontology/testdata/small.obo", "`+loader+`/taxa.obo"]
  annotations = ["`+loader+`/small.gaf", "`+loader+`/small.gpad", "`+loader+`/small.gpi"]
  max_skipped = "20%"
 }`)
	for _, want := range []string{
		`left out: 1 x an annotation to a term that the ontology does not have: small.gaf:8 \(GO:0424242\)`,
		`documents phase-end (ok|cached) .*12 terms, 6 annotations of 5 gene products`,
		`golr phase-end (ok|cached) .*40 documents`,
		`deploy phase-end ok .* \d+ files`,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("no line is like %q\n%s", want, said)
		}
	}
}

// provisionNothing provisions a guest that takes everything, and returns the
// build's log.
func provisionNothing(t *testing.T, settings string) string {
	t.Helper()
	dir := t.TempDir()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "t.pkr.hcl", "source \"null\" \"t\" {\n rootfs = \""+rootFS(t, store)+"\"\n}\n"+
		"build {\n sources = [\"source.null.t\"]\n provisioner \"amigo\" {\n"+settings+"\n}\n}\n")
	var out bytes.Buffer
	err = command.Run(t.Context(), command.Cmd{
		Name: preparedProgram(t), Args: []string{"build", "-q", "--log", "/dev/stdout", filepath.Join(dir, "t.pkr.hcl")},
		Stdout: &out, Stderr: &out,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}
