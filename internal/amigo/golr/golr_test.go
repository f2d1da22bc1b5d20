package golr

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestValidate(t *testing.T) {
	war := file(t, t.TempDir(), "solr.war", "w")
	sum := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct {
		spec   Spec
		faults []string
	}{
		{Spec{War: war, Documents: []string{war}}, nil},
		{Spec{War: "https://example.org/solr.war", WarSum: sum, URL: "https://example.org/i.tgz", Checksum: sum}, nil},
		{Spec{Documents: []string{war}}, nil},
		{Spec{}, []string{"GOlr: needs exactly one of"}},
		{Spec{WarSum: sum, Documents: []string{war}}, []string{"GOlr.WarSum: there is no file"}},
		{Spec{War: war, Index: war, Documents: []string{war}}, []string{"and has 2"}},
		{Spec{War: "/no.war", Documents: []string{"/no.xml"}}, []string{"GOlr.War: /no.war: no such file", "GOlr: /no.xml: no such file"}},
		{Spec{War: "http://example.org/solr.war", URL: "http://example.org/i.tgz"}, []string{"GOlr.WarSum: is missing", "GOlr.Checksum: is missing"}},
		{Spec{War: war, Index: war, Checksum: "x", WarSum: "y"}, []string{"GOlr.Checksum: ", "GOlr.WarSum: "}},
	} {
		err := Validate(test.spec)
		if (err == nil) != (test.faults == nil) {
			t.Errorf("%+v: %v", test.spec, err)
		}
		for _, fault := range test.faults {
			if !strings.Contains(err.Error(), fault) {
				t.Errorf("%+v: %v, want %q", test.spec, err, fault)
			}
		}
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	if _, err := locate(dir); !errors.Is(err, errNoIndex) {
		t.Error(err)
	}
	file(t, dir, "data/index/segments_3", "")
	if found, err := locate(dir); err != nil || found != filepath.Join(dir, "data/index") {
		t.Error(found, err)
	}
}

func TestGatherFindsTheIndexInAnArchive(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "index/segments_3", "s")
	archive := filepath.Join(t.TempDir(), "golr-index-contents.tgz")
	err := command.Run(t.Context(), command.Cmd{Name: "tar", Args: []string{"-czf", archive, "-C", filepath.Join(dir, "index"), "."}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := gather(t.Context(), cache.At(t.TempDir()), Spec{Index: archive})
	if err != nil || len(d.documents) != 0 {
		t.Fatal(d, err)
	}
	if _, err := os.Stat(filepath.Join(d.index, "segments_3")); err != nil {
		t.Error(err)
	}
}

// solver is a workshop that answers as Solr's script would.
type solver struct {
	about, fail string
	runs        int
}

func (s *solver) Toolchain() string           { return "" }
func (s *solver) Remote() bool                { return false }
func (s *solver) Close(context.Context) error { return nil }
func (s *solver) Run(_ context.Context, t workshop.Task) error {
	s.runs++
	if s.fail != "" {
		return &workshop.Error{Task: t.Name, Output: s.fail, Err: errors.New("exit 1")}
	}
	for _, dir := range t.Dirs {
		if dir.At == "/mnt/out" {
			if err := os.MkdirAll(filepath.Join(dir.Host, "index"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir.Host, "about"), []byte(s.about), 0o644)
		}
	}
	return errors.New("no place for the result")
}

func TestMake(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Dir(file(t, dir, "conf/schema.xml", "s"))
	spec := Spec{Documents: []string{file(t, dir, "a.xml", "<add/>")}}
	c := cache.At(t.TempDir())
	shop := &solver{about: "12\nGO:0000001\ta term\n{\"annotation\":12}\n"}
	open := func() (workshop.Workshop, error) { return shop, nil }
	for range 2 {
		index, _, err := Make(t.Context(), c, open, spec, WebApp{Dir: dir, Digest: "d"}, conf, io.Discard)
		if err != nil || index.Documents != 12 || index.Term != "GO:0000001" || index.Label != "a term" || index.Kinds["annotation"] != 12 || filepath.Base(index.Dir) != "index" {
			t.Fatal(index, err)
		}
	}
	if shop.runs != 1 {
		t.Errorf("%d runs", shop.runs)
	}
	shop.fail = "x\nerror: Solr cannot open the index or its configuration: IndexFormatTooOldException\nlast"
	_, _, err := Make(t.Context(), c, open, spec, WebApp{Dir: dir, Digest: "e"}, conf, io.Discard)
	if err == nil || err.Error() != "GOlr: Solr cannot open the index or its configuration: IndexFormatTooOldException" {
		t.Error(err)
	}
}

// Without a solr_war Maven is asked for it when it is unpacked, and not before.
func TestSolrOfMaven(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	spec := Spec{Documents: []string{file(t, t.TempDir(), "a.xml", "<add/>")}}
	if err := Validate(spec); err != nil {
		t.Error(err)
	}
	digest, err := Digest(spec)
	if err != nil {
		t.Error(err)
	}
	_, err = Unwrap(t.Context(), cache.At(t.TempDir()), spec)
	if fault.Of(err).Code != fault.Host || !strings.Contains(err.Error(), "GOlr.War") {
		t.Error(err)
	}
	spec.War = spec.Documents[0]
	if other, err := Digest(spec); err != nil || other == digest {
		t.Errorf("another solr.war changes nothing: %v", err)
	}
}

func TestUnwrapRefusesWhatIsNoWar(t *testing.T) {
	for name, text := range map[string]string{"text": "no archive"} {
		_, err := Unwrap(t.Context(), cache.At(t.TempDir()), Spec{War: file(t, t.TempDir(), "solr.war", text)})
		if err == nil || !strings.Contains(err.Error(), "GOlr.War: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
