package site

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

var update = flag.Bool("update", false, "write the golden files")

var example = Site{
	Serve: Workers, Programs: []string{"amigo", "visualize", "grebe"}, Memory: "512m", Operator: "amigo",
	Origins: []string{"https://golr.example.org"}, Targets: []string{"https://pantherdb.org"}, Readers: Readers{"*"}, Version: "2.5.17", Commit: "0123456789abcdef",
	Origin: "https://example.org/amigo.git", Date: "2024-06-18", DOI: "10.5281/zenodo.12", Count: 274,
}

func TestFilesAreGolden(t *testing.T) {
	cgi := Site{Serve: CGI, Programs: []string{"amigo"}, Memory: "4g", Operator: "op", Version: "<1>", Origin: "dir"}
	for dir, s := range map[string]Site{"workers": example, "cgi": cgi} {
		areGolden(t, dir, s, nil)
	}
	inSystem, err := Files(example)
	if err != nil {
		t.Fatal(err)
	}
	apart := example
	apart.Apart, apart.Schema = true, "5c4e3a"
	areGolden(t, "data", apart, inSystem)
}

// TestExampleData: who reads the start page of a machine with example data is told.
func TestExampleData(t *testing.T) {
	s := example
	s.DOI = "10.5072/amigo-sample.0"
	set, err := Files(s)
	if err != nil {
		t.Fatal(err)
	}
	page := string(set[Share+"/www/index.html"].Data)
	if !strings.Contains(page, "These are example data, not a GO release: do not cite them.") || strings.Contains(page, s.DOI) {
		t.Error(page)
	}
}

// TestGuestsAreGolden: what a site has other on guests that are not Debian.
func TestGuestsAreGolden(t *testing.T) {
	debian, err := Files(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rocky", "opensuse-leap"} {
		s := example
		if s.Guest, err = distro.Find(name); err != nil {
			t.Fatal(err)
		}
		areGolden(t, name, s, debian)
	}
}

// areGolden compares the files of a site that are not the same in known.
func areGolden(t *testing.T, dir string, s Site, known fileset.Set) {
	t.Helper()
	set, err := Files(s)
	if err != nil {
		t.Fatal(err)
	}
	manifest := ""
	for _, f := range set.Sorted() {
		if cmp.Equal(f, known[f.Path]) {
			continue
		}
		manifest += f.Mode.String() + " " + f.Path + " " + f.Link + f.Owner + "\n"
		if f.Mode.IsRegular() {
			golden(t, filepath.Join(dir, strings.ReplaceAll(f.Path[1:], "/", "_")), string(f.Data))
		}
	}
	golden(t, filepath.Join(dir, "files"), manifest)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
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

func TestNoPageSaysThatItKnowsNothing(t *testing.T) {
	set, err := Files(Site{Serve: Workers, Programs: []string{"amigo"}, Memory: "1g", Operator: "a", Version: "1", Origin: "b"})
	if err != nil {
		t.Fatal(err)
	}
	page := string(set[Share+"/www/index.html"].Data)
	for _, bad := range []string{"???", "<no value>", "href=\"\"", "src=\"http"} {
		if strings.Contains(page, bad) {
			t.Errorf("the start page says %q", bad)
		}
	}
}

func TestPrograms(t *testing.T) {
	amigo := fileset.Set{}
	for _, name := range []string{"amigo", "grebe", "goose", "static", "aserve", "config.pl"} {
		amigo.Add(fileset.Text("/srv/amigo/perl/bin/"+name, ""))
	}
	if diff := cmp.Diff([]string{"amigo", "grebe"}, Programs(amigo)); diff != "" {
		t.Error(diff)
	}
}

// TestQuery has searches as AmiGO's pages make them, and what must not get to
// Solr.
func TestQuery(t *testing.T) {
	allowed := regexp.MustCompile(allowedQuery)
	for _, query := range []string{
		"", "q=*:*&rows=0", "q=a%26b&",
		"defType=edismax&qt=standard&indent=on&wt=json&rows=10&start=0&fl=a%2Cb&facet=true&facet.mincount=1&facet.sort=count&json.nl=arrarr&facet.limit=25&hl=true&hl.simple.pre=%3Cem%3E&hl.snippets=1000&fq=idspace:%22GO%22&fq=-x:y&facet.field=source&f.source.facet.limit=-1&q=x&qf=a^2&packet=1&callback_type=search&json.wrf=jQuery21_17&_=17",
		"q=*:*&wt=csv&csv.encapsulator=&csv.separator=%09&csv.header=false&csv.mv.separator=|&sort=id asc&bq=a:b",
	} {
		if !allowed.MatchString(query) {
			t.Errorf("%q is refused", query)
		}
	}
	for _, query := range []string{
		"q=*:*&shards=evil:8983/solr", "shards=x", "q=a&s%68ards=x", "q=a&shards.qt=/update", "stream.url=http://x", "stream.body=<delete/>",
		"q=a&stream.file=/etc/passwd", "q=a&qt=/update", "qt=standard2", "q=a&wt=xslt&tr=x", "wt=velocity", "q=a&v.template=x", "q=a&json.wrf=alert(1)",
		"q", "q=a&x", "&q=a", "q=a&&q=b", "q=a&Q=b", "commit=true", "q=a&debugQuery=true", "q=a&timeAllowed=1", "q=a&f.x.y=1", "q=a&qtx=1", "q=a&defType=func",
	} {
		if allowed.MatchString(query) {
			t.Errorf("%q is allowed", query)
		}
	}
}

// No parameter of Solr's dangerous kinds gets through, however it is dressed.
func FuzzQuery(f *testing.F) {
	allowed := regexp.MustCompile(allowedQuery)
	dangerous := regexp.MustCompile(`(?:^|&)(?:shards|stream|qt|tr|v)(?:\.[^=&]*)?=`)
	f.Add("q=a&shards=b")
	f.Add("q=%26shards=b")
	f.Fuzz(func(t *testing.T, query string) {
		if allowed.MatchString(query) && dangerous.MatchString(strings.ReplaceAll(query, "qt=standard", "q=a")) {
			t.Errorf("%q is allowed", query)
		}
	})
}

func TestReaders(t *testing.T) {
	if faults := (Readers{"*", "https://example.org", "http://localhost:8080"}).Validate(); len(faults) > 0 {
		t.Error(faults)
	}
	for _, bad := range []string{"", "example.org", "https://example.org/", "https://a b", "ftp://a", "https://a\nb", "https://a:b@c", "null", "https://*.a"} {
		if faults := (Readers{bad}).Validate(); len(faults) != 1 {
			t.Errorf("%q: %v", bad, faults)
		}
	}
}
