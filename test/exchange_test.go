//go:build vm

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// another is data of a later release that fit a system which was built with other ones: a
// directory with the images of both.
func another(t *testing.T, r rig, images string) string {
	t.Helper()
	more := filepath.Join(t.TempDir(), "more.xml")
	place(t, more, `<add><doc><field name="id">GO:9999999</field><field name="document_category">general</field></doc></add>`)
	index, err := r.make(t, golr.Spec{Documents: []string{documents, more}}, solrSettings)
	if err != nil {
		t.Fatal(err)
	}
	of, err := release.Of("ontology\tv\t2024-02-02 (01:02)\tgo.owl\n", `{"doi": "10.5072/amigo-sample.1"}`)
	if err != nil {
		t.Fatal(err)
	}
	system, err := manifest.ReadFile(filepath.Join(images, "distribution", manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	disk, _, err := datadisk.Make(t.Context(), cache.At(t.TempDir()), datadisk.Content{Index: index, Release: of, Schema: system.GOlr.Schema})
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	out, err := outdir.Create(filepath.Join(to, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deliver.RunData(t.Context(), deliver.DataOrder{Name: "amigo-data", Source: disk.Path, GOlr: disk.About.GOlr}, out, event.Discard); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(to, "distribution"), os.DirFS(filepath.Join(images, "distribution"))); err != nil {
		t.Fatal(err)
	}
	system.GOlr = disk.About.GOlr // as if it had been tested with these
	text, err := system.Encode()
	if err != nil {
		t.Fatal(err)
	}
	place(t, filepath.Join(to, "distribution", manifest.FileName), string(text))
	return to
}

// publisher publishes versions, and serves them where guests find them.
type publisher struct {
	dir  string
	port string
	key  string // of minisign
}

func newPublisher(t *testing.T) publisher {
	t.Helper()
	p := publisher{dir: t.TempDir()}
	run(t, "", program, "keys", "init", "--keys", filepath.Join(p.dir, "keys"))
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(p.dir, "www"))))
	t.Cleanup(server.Close)
	p.port = server.URL[strings.LastIndex(server.URL, ":")+1:]
	lines := strings.Split(strings.TrimSpace(contentOf(t, filepath.Join(p.dir, "keys", "minisign.pub"))), "\n")
	p.key = lines[len(lines)-1]
	return p
}

func (p publisher) publish(t *testing.T, version, images string) {
	t.Helper()
	run(t, "", program, "publish", images, "--keys", filepath.Join(p.dir, "keys"), "--to", filepath.Join(p.dir, "www"), "--channel", "stable", "--version", version)
}

// load asks a machine for pages and searches until it is stopped.
type load struct {
	failed, done atomic.Int64
	first        sync.Once
	what         string // the first failure
	stop         context.CancelFunc
	asking       sync.WaitGroup
}

func newLoad(t *testing.T, base string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for _, path := range []string{"/solr/select?q=*:*&rows=1&wt=json", "/solr/select?q=document_category:general&rows=5&wt=json", "/amigo"} {
		l.asking.Go(func() {
			client := &http.Client{Timeout: 3 * time.Minute}
			for ctx.Err() == nil {
				l.ask(client, base+path)
			}
		})
	}
	return l
}

func (l *load) ask(client *http.Client, url string) {
	response, err := client.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		if closed := response.Body.Close(); err == nil {
			err = closed
		}
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: status %d", url, response.StatusCode)
		}
	}
	l.done.Add(1)
	if err != nil {
		l.failed.Add(1)
		l.first.Do(func() { l.what = err.Error() })
	}
}

// end stops the load and fails the test if a request has failed.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.asking.Wait()
	if l.failed.Load() > 0 || l.done.Load() < 10 {
		t.Errorf("of %d requests %d failed; the first: %s", l.done.Load(), l.failed.Load(), l.what)
	}
	t.Logf("%d requests", l.done.Load())
}

// operator is somebody who is logged in to a machine.
type operator struct {
	t    *testing.T
	home []string
	m    imagestore.Machine
}

// does runs a command on the machine, which must end with a status and say something.
func (o operator) does(status int, line string, want ...string) string {
	o.t.Helper()
	said := use(o.t, o.home, status, "ssh", o.m.Name, line)
	for _, text := range want {
		if !strings.Contains(said, text) {
			o.t.Errorf("%s: no %q in\n%s", line, text, said)
		}
	}
	return said
}

// finds is how many documents the machine's GOlr has.
func (o operator) finds(t *testing.T) int {
	t.Helper()
	var found struct {
		Response struct{ NumFound int }
	}
	base := strings.TrimSuffix(o.m.URL, "/amigo")
	if err := json.Unmarshal([]byte(get(t, base+"/solr/select?q=*:*&rows=0&wt=json")), &found); err != nil {
		t.Fatal(err)
	}
	return found.Response.NumFound
}

// exchanges gives a machine other data while it is used, and its own again.
func exchanges(t *testing.T, o operator, r rig, images string, documents int) {
	t.Helper()
	p := newPublisher(t)
	p.publish(t, "1", images)
	p.publish(t, "2", another(t, r, images))
	o.does(1, "amigo-data update", "REPOSITORY is not set in /etc/default/amigo-data")
	o.does(0, fmt.Sprintf("printf 'REPOSITORY=http://10.0.2.2:%s\\nCHANNEL=stable\\nKEY=%s\\n' >/etc/default/amigo-data", p.port, p.key))
	o.does(0, "amigo-data status", "served: attached, example data", fmt.Sprint(documents))

	l := newLoad(t, strings.TrimSuffix(o.m.URL, "/amigo"))
	o.does(0, "amigo-data list", "* attached", "stable is at data of 2: ")
	o.does(0, "amigo-data update", "the data of 2 are here", "served: 2, ")
	if got := o.finds(t); got != documents+1 {
		t.Errorf("%d documents after the exchange, not %d", got, documents+1)
	}
	base := strings.TrimSuffix(o.m.URL, "amigo")
	if start := get(t, base); !strings.Contains(start, "<dd>2024-02-02</dd>") {
		t.Errorf("the start page tells of other data:\n%s", start)
	}
	if page := get(t, o.m.URL); !strings.Contains(page, "2024-02-02") {
		t.Errorf("AmiGO's footer tells of other data:\n%s", page)
	}
	o.does(0, "amigo-data update", "2 is served already")
	o.does(0, "amigo-data back", "served: attached")
	if got := o.finds(t); got != documents {
		t.Errorf("%d documents after the way back, not %d", got, documents)
	}
	// Killed wherever it is, it leaves the one or the other.
	for _, after := range []string{"0.3", "0.8", "1.5", "3", "5"} {
		o.does(0, "timeout -s KILL "+after+" sh -c 'while :; do amigo-data use 2; amigo-data back; done'; true")
		if got := o.finds(t); got != documents && got != documents+1 {
			t.Errorf("killed after %s s it left %d documents", after, got)
		}
	}
	o.does(0, "amigo-data use 2024-02-02", "served: 2, ")
	o.does(0, "amigo-data status", "served: 2, ", "before: attached")
	l.end(t)

	o.does(1, "amigo-data remove 2", "2 is what is served")
	o.does(1, "amigo-data use 7", "there are no data 7 here")
	o.does(2, "amigo-data used", "usage: amigo-data COMMAND")
	o.does(0, "amigo-data fetch 1", "the data of 1 are those on the attached disk")
	const other = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3" // of minisign's own documents
	o.does(0, "sed -i 's|^KEY=.*|KEY="+other+"|' /etc/default/amigo-data")
	o.does(1, "amigo-data fetch 1", "is not by the key in /etc/default/amigo-data")
}
