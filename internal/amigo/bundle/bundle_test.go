package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// builder is a workshop whose tools leave what they are told to.
type builder struct {
	leaves map[string]string
	fail   map[string]string // last words by task
	tasks  []workshop.Task
}

func (b *builder) Toolchain() string           { return "tools" }
func (b *builder) Remote() bool                { return false }
func (b *builder) Close(context.Context) error { return nil }
func (b *builder) Run(_ context.Context, t workshop.Task) error {
	b.tasks = append(b.tasks, t)
	if words := b.fail[t.Name]; words != "" {
		return &workshop.Error{Task: t.Name, Output: words, Err: errors.New("exit 1")}
	}
	for name, text := range b.leaves {
		for _, dir := range t.Dirs {
			if dir.At == settings.Root {
				if err := put(dir.Host, name, text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func put(dir, name, text string) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

var good = map[string]string{
	"perl/bin/config.pl": "1;",
	"javascript/npm/amigo2-instance-data/lib/data/golr.js": "{}",
	"javascript/staging/TermDetails.js":                    "var golr = '/solr/';",
}

func example(t *testing.T) Input {
	t.Helper()
	dir := t.TempDir()
	if err := put(dir, "package-lock.json", "{}"); err != nil {
		t.Fatal(err)
	}
	return Input{Tree: source.Tree{Dir: dir, Digest: "d"}, Settings: settings.Instance{}, NPM: npm.Spec{Registry: "https://npm.example.org"}, NPMDir: dir}
}

func TestBuildIsCached(t *testing.T) {
	shop, c, in := &builder{leaves: good}, cache.At(t.TempDir()), example(t)
	for i := range 2 {
		dir, cached, err := Build(t.Context(), c, shop, in, io.Discard)
		if err != nil || cached != (i == 1) {
			t.Fatal(cached, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "conf/amigo.yaml")); err != nil {
			t.Error(err)
		}
	}
	if len(shop.tasks) != 2 || !shop.tasks[0].Network || shop.tasks[1].Network {
		t.Errorf("%+v", shop.tasks)
	}
	in.Tree.Digest = "other"
	if _, cached, err := Build(t.Context(), c, shop, in, io.Discard); err != nil || cached || len(shop.tasks) != 3 {
		t.Errorf("another source with the same lock file: %v, %d tasks, %v", cached, len(shop.tasks), err)
	}
}

func TestBuildFails(t *testing.T) {
	without := func(name string) map[string]string {
		left := map[string]string{}
		for n, text := range good {
			if n != name {
				left[n] = text
			}
		}
		return left
	}
	baked := without("")
	baked["javascript/staging/TermDetails.js"] = `{"app_base":"http://localhost:9999"}`
	for want, shop := range map[string]*builder{
		"installing AmiGO's JavaScript packages failed; its last lines:\nnpm ERR! 404": {fail: map[string]string{"npm": "npm ERR! 404"}},
		"building AmiGO failed; its last lines:\nUnexpected token":                     {fail: map[string]string{"build": "Unexpected token"}},
		"did not make perl/bin/config.pl":                                              {leaves: without("perl/bin/config.pl")},
		"left no JavaScript in javascript/staging":                                     {leaves: without("javascript/staging/TermDetails.js")},
		`holds the address "localhost:9999"`:                                           {leaves: baked},
	} {
		c := cache.At(t.TempDir())
		_, _, err := Build(t.Context(), c, shop, example(t), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		left, _ := filepath.Glob(filepath.Join(c.Path(), "bundle", "*"))
		for _, entry := range left {
			if !strings.HasSuffix(entry, ".lock") {
				t.Errorf("%s is left", entry)
			}
		}
	}
}
