//go:build vm

package test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const (
	sample       = template + "/sample"
	documents    = sample + "/golr-documents.xml"
	solrSettings = sample + "/golr/solr/conf"
)

// rig is what an index is made with, as the provisioner does.
type rig struct {
	cache  cache.Dir
	open   func() (workshop.Workshop, error)
	webapp golr.WebApp
}

func newRig(t *testing.T) rig {
	t.Helper()
	c, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	d := distro.Standard()
	spec := bootstrap.Spec{Distribution: d.Name, Release: d.Default, Architecture: arch.Own().Name, Needs: []string{distro.AmiGO, distro.Production}}
	plan, err := bootstrap.Resolve(t.Context(), c, spec)
	if err != nil {
		t.Fatal(err)
	}
	phase := event.Start(event.Discard, "base", "")
	root, _, err := bootstrap.RootFS(t.Context(), c, plan, phase)
	if err != nil {
		t.Fatal(err)
	}
	webapp, err := golr.Unwrap(t.Context(), c, golr.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	open := func() (workshop.Workshop, error) { return workshop.OnHost(t.Context(), c, root) }
	return rig{cache: c, open: open, webapp: webapp}
}

// make makes an index of what spec names, with a configuration of Solr.
func (r rig) make(t *testing.T, spec golr.Spec, conf string) (golr.Index, error) {
	t.Helper()
	index, _, err := golr.Make(t.Context(), r.cache, r.open, spec, r.webapp, conf, io.Discard)
	return index, err
}

// TestIndexOfOthers: an index that somebody else has made is checked, by Lucene itself and
// with the schema, before it gets into an image.
func TestIndexOfOthers(t *testing.T) {
	r := newRig(t)
	made, err := r.make(t, golr.Spec{Documents: []string{documents}}, solrSettings)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.make(t, golr.Spec{Index: made.Dir}, solrSettings)
	if err != nil || again.Documents != made.Documents || again.Term != made.Term {
		t.Errorf("%+v, %v, want %+v", again, err, made)
	}
	other := copyOf(t, solrSettings)
	schema := filepath.Join(other, "schema.xml")
	place(t, schema, strings.ReplaceAll(contentOf(t, schema), `name="isa_closure"`, `name="something"`))
	if _, err := r.make(t, golr.Spec{Index: made.Dir}, other); err == nil || !strings.Contains(err.Error(), "the index is of another schema than this source: it has the fields isa_closure") {
		t.Errorf("of another schema: %v", err)
	}
	damaged := copyOf(t, made.Dir)
	files, err := filepath.Glob(filepath.Join(damaged, "*.frq"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	content := []byte(contentOf(t, files[0]))
	for i := len(content) / 2; i < len(content)/2+200; i++ {
		content[i] ^= 0xff
	}
	place(t, files[0], string(content))
	if _, err := r.make(t, golr.Spec{Index: damaged}, solrSettings); err == nil || !strings.Contains(err.Error(), "the index is damaged: ") {
		t.Errorf("damaged: %v", err)
	}
}

// TestRelease builds an image with a release that is laid out as GO's site lays them out, on a
// disk of its own, and runs both.
func TestRelease(t *testing.T) {
	r := newRig(t)
	out, documents := r.buildRelease(t)
	for _, variant := range []string{"data", "distribution"} {
		m, err := manifest.ReadFile(filepath.Join(out, variant, manifest.FileName))
		if err != nil {
			t.Fatal(err)
		}
		if g := m.GOlr; g.On != manifest.OnData || g.DOI != "10.5072/amigo-sample.0" || g.Date != "2024-01-01" || int(g.Documents) != documents || g.Schema == "" {
			t.Errorf("%s: %+v", variant, g)
		}
	}
	runsWithData(t, filepath.Join(out, "distribution", "amigo-distribution.qcow2"), func(o operator) { exchanges(t, o, r, out, documents) })
}

// buildRelease builds an image, and one of its data, and returns the directory of both and how
// many documents there are.
func (r rig) buildRelease(t *testing.T) (out string, count int) {
	t.Helper()
	made, err := r.make(t, golr.Spec{Documents: []string{documents}}, solrSettings)
	if err != nil {
		t.Fatal(err)
	}
	site := t.TempDir()
	out = t.TempDir()
	place(t, filepath.Join(site, "metadata", "release-date.json"), `{"date": "2024-01-01"}`)
	place(t, filepath.Join(site, "metadata", "release-archive-doi.json"), contentOf(t, sample+"/data/release-archive-doi.json"))
	place(t, filepath.Join(site, "products", "solr", "golr_timestamp.log"), contentOf(t, sample+"/data/golr_timestamp.log"))
	run(t, "", "tar", "-czf", filepath.Join(site, "products", "solr", "golr-index-contents.tgz"), "-C", made.Dir, ".")
	place(t, filepath.Join(out, "release.pkr.hcl"), `
source "amigo-qemu" "release" {
  bootstrap {
    needs = ["amigo", "production"]
  }
  output_directory = "`+out+`/disk"
}
build {
  sources = ["source.amigo-qemu.release"]
  provisioner "amigo" {
    source = "`+absolute(t, sample)+`"
    golr {
      release = "`+site+`"
      on      = "data"
    }
  }
  post-processor "amigo-data" {
    output_directory = "`+out+`/data"
  }
  post-processor "amigo-distribution" {
    output_directory = "`+out+`/distribution"
    firmwares        = ["bios"]
  }
}`)
	said := run(t, "", program, "build", filepath.Join(out, "release.pkr.hcl"))
	if !strings.Contains(said, "the Gene Ontology's release of 2024-01-01") {
		t.Errorf("the build does not say which release it is:\n%s", said)
	}
	return out, made.Documents
}

// runsWithData runs an image that finds its data in the directory beside, and reads on its
// start page what they are. Then something else may be done with it.
func runsWithData(t *testing.T, image string, then func(operator)) {
	t.Helper()
	dir := t.TempDir()
	home := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CACHE_HOME=" + cacheHome(t)}
	out, in := io.Pipe()
	process, err := command.Start(t.Context(), command.Cmd{
		Name: program, Args: []string{"run", image, "--port", "0", "--json"}, Env: home, Stdout: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.CloseWithError(process.Wait()) }()
	m := await(t, json.NewDecoder(out), "ready")
	start := get(t, strings.TrimSuffix(m.URL, "amigo"))
	for _, want := range []string{"<dd>2024-01-01</dd>", "These are example data, not a GO release: do not cite them."} {
		if !strings.Contains(start, want) {
			t.Errorf("the start page lacks %q:\n%s", want, start)
		}
	}
	if page := get(t, m.URL); !strings.Contains(page, "example data, not a GO release: do not cite") {
		t.Errorf("AmiGO's footer does not say what its data are:\n%s", page)
	}
	then(operator{t, home, m})
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// copyOf is a directory with the same files.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func place(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
