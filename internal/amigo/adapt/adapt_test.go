package adapt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
)

const written = `############################
#### See INSTALL.org.
############################

$ENV{DATA_DOI_IN_USE}='???';
$ENV{AMIGO_VERBOSE}='0';
$ENV{GOLR_TIMESTAMP_LAST}='???';
$ENV{AMIGO_PUBLIC_GOLR_URL}='/solr/';

1;
`

func TestConfig(t *testing.T) {
	got := config(written, Data{Release: release.Release{Loaded: "2024-06-18", DOI: "10.5281/zenodo.12"}}, map[string]string{
		"AMIGO_PUBLIC_GOLR_URL": "http://127.0.0.1:8080/solr/", "AMIGO_VERBOSE": "1",
	})
	want := `############################
#### See INSTALL.org.
############################

$ENV{AMIGO_PUBLIC_GOLR_URL}='http://127.0.0.1:8080/solr/';
$ENV{AMIGO_VERBOSE}='1';
$ENV{DATA_DOI_IN_USE}='10.5281/zenodo.12';
$ENV{GOLR_TIMESTAMP_LAST}='2024-06-18';
$ENV{ZENODO_CONCEPT_IN_USE}='12';

1;
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	example := config(written, Data{Release: release.Release{Loaded: "2024-01-01 (12:01)", DOI: "10.5072/x"}}, nil)
	for _, want := range []string{"$ENV{DATA_DOI_IN_USE}='';", "='2024-01-01 (12:01) (example data, not a GO release: do not cite)';"} {
		if !strings.Contains(example, want) {
			t.Errorf("it lacks %s:\n%s", want, example)
		}
	}
	if got := config(written, Data{}, nil); strings.Contains(got, "???") || !strings.Contains(got, UnknownDate) {
		t.Error(got)
	}
}

func TestProgram(t *testing.T) {
	for from, want := range map[string]string{
		`BEGIN { require "config.pl"; }`:                `BEGIN { require "/srv/amigo/perl/bin/config.pl"; }`,
		`require 'config.pl' if -f 'config.pl' ;`:       `require '/srv/amigo/perl/bin/config.pl' if -f '/srv/amigo/perl/bin/config.pl' ;`,
		"## (including config.pl variables)":            "## (including config.pl variables)",
		`require "/srv/amigo/perl/bin/config.pl";`:      `require "/srv/amigo/perl/bin/config.pl";`,
		`die "no config.pl here, nor my-config.pl" . x`: `die "no config.pl here, nor my-config.pl" . x`,
	} {
		if got := program(from); got != want {
			t.Errorf("%s became %s", from, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	for name, test := range map[string]struct {
		from, want string
		notes      int
	}{
		"badge": {
			`<img src="https://zenodo.org/badge/DOI/[% data_doi %].svg" alt="DOI">`,
			`<img src="/static/images/doi-badge.svg" alt="DOI">`, 0,
		},
		"analytics": {
			"a <script async src=\"https://www.googletagmanager.com/gtag/js?id=[% ID | uri %]\"></script> b",
			"a  b", 0,
		},
		"picture that AmiGO fetches": {
			"<a href=\"x\">\n    <img src=\"[% VIZ_QUICKGO_LINK %]\"\n\t alt=\"Graph\" />\n</a>",
			"<a href=\"x\">\n    Graph at QuickGO\n</a>", 0,
		},
		"nothing filled in": {
			`the <a href="#">???</a> page, [% ELSE %]???[% END %]`,
			`the <a href="[% interlink_medial_search %]">directory search</a> page, [% ELSE %]unknown[% END %]`, 0,
		},
		"link":    {`<a href="https://geneontology.org">GO</a>`, `<a href="https://geneontology.org">GO</a>`, 0},
		"own":     {`<img src="[% image_dir %]/a.png">`, `<img src="[% image_dir %]/a.png">`, 0},
		"other":   {`<img src="https://example.org/a.png"><script src="//example.org/b.js"></script>`, `<img src="https://example.org/a.png"><script src="//example.org/b.js"></script>`, 2},
		"comment": {`<!-- <img src="https://example.org/a.png"> -->`, `<!-- <img src="https://example.org/a.png"> -->`, 0},
	} {
		got, notes := template(test.from)
		if got != test.want || len(notes) != test.notes {
			t.Errorf("%s: %q, %q", name, got, notes)
		}
	}
}

func TestFiles(t *testing.T) {
	tree := t.TempDir()
	for name, text := range map[string]string{
		"perl/bin/config.pl": written, "perl/bin/amigo": `require "config.pl";`, "perl/bin/xrefs.json": `{"a": "config.pl"}`,
		"perl/lib/AmiGO.pm": `require "config.pl" if -f "config.pl" ;`, "perl/lib/Other.pm": `"config.pl"`,
		"templates/html/a.tmpl": "b", "node_modules/c/d.js": "e", "static/css/f.css": "g",
	} {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, notes, err := Files(tree, Data{Release: release.Release{DOI: "10.1/<a>"}}, nil)
	if err != nil || len(notes) != 0 {
		t.Fatal(notes, err)
	}
	for path := range files {
		if strings.Contains(path, "node_modules") {
			t.Errorf("%s is deployed", path)
		}
	}
	if got := string(files["/srv/amigo/perl/bin/amigo"].Data); got != `require "/srv/amigo/perl/bin/config.pl";` {
		t.Error(got)
	}
	if files["/srv/amigo/perl/lib/Other.pm"].Host == "" || files["/srv/amigo/static/css/f.css"].Host == "" {
		t.Error("a file that needs no change was changed")
	}
	if got := string(files[badgePath].Data); !strings.Contains(got, "10.1/&lt;a&gt;") {
		t.Error(got)
	}
}

// AmiGO's own file, in its shape: what is above new is kept between requests.
func TestInputForgets(t *testing.T) {
	const before = "package AmiGO::Input;\n\nmy $profile = {\n\t       required => [],\n\t       defaults => {},\n};\n\n=item new\n\n=cut\nsub new {\n\n  my $class = shift;\n"
	const want = "package AmiGO::Input;\n\nmy $profile = {\n\t       required => [],\n\t       defaults => {},\n};\n\n=item new\n\n=cut\nsub new {\n" +
		"\n  $profile = {\n\t       required => [],\n\t       defaults => {},\n};\n\n  my $class = shift;\n"
	if diff := cmp.Diff(want, input(before)); diff != "" {
		t.Error(diff)
	}
	if got := input("sub new {\n}\n"); got != "sub new {\n}\n" {
		t.Errorf("another file became %q", got)
	}
}
