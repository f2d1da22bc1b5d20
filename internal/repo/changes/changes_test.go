package changes

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

var update = flag.Bool("update", false, "write the golden files")

func packages(t *testing.T, list string) []manifest.Package {
	t.Helper()
	parsed, err := manifest.ParsePackages(strings.NewReader(strings.ReplaceAll(list, ", ", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func changelogs(t *testing.T, list string) []manifest.Changelog {
	t.Helper()
	parsed, err := manifest.ParseFixes(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// sides are two invented versions.
func sides(t *testing.T) (old, now Side) {
	t.Helper()
	const source = "https://github.com/geneontology/amigo.git"
	kernel := " 6.1.174+1" + strings.Repeat(" CVE-2026-1000 CVE-2026-1001 CVE-2026-1002", 1)
	for i := range 60 {
		kernel += " CVE-2026-2" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "0"
	}
	old = Side{
		Name: "2026-11-15", Created: time.Date(2026, 11, 15, 2, 0, 0, 0, time.UTC),
		AmiGO:  manifest.AmiGO{Version: "2.5.17", Commit: strings.Repeat("1b9e77d0", 5), Source: source},
		GOlr:   manifest.GOlr{Documents: 11_471_592, Date: "2026-10-03", DOI: "10.5072/x.1"},
		System: manifest.System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-55-cloud-amd64"},
		Variants: []Variant{
			{Name: "distribution", Size: 379 << 20, Packages: packages(t, "linux-image-6.1.0-55-cloud-amd64 6.1.170-1 amd64, libssl3 3.0.17-1~deb12u2 amd64, openssl 3.0.17-1~deb12u2 amd64, perl 5.36.0-7+deb12u3 amd64, git 1:2.39.5-0+deb12u2 amd64, adduser 3.134 all"),
				Changelogs: changelogs(t, "linux-signed-amd64 6.1.170+1 6.1.1+1: linux-image-6.1.0-55-cloud-amd64\nperl 5.36.0-7+deb12u3 5.30.0-1: perl\n 5.36.0-7+deb12u3 CVE-2026-0007\n")},
			{Name: "production", Size: 331 << 20, Packages: packages(t, "libssl3 3.0.17-1~deb12u2 amd64, openssl 3.0.17-1~deb12u2 amd64, adduser 3.134 all")},
		},
	}
	now = old
	now.Name, now.Created = "2026-11-22", old.Created.AddDate(0, 0, 7)
	now.AmiGO.Commit, now.System.Kernel = strings.Repeat("8f31c02a", 5), "6.1.0-56-cloud-amd64"
	now.GOlr.Documents = 11_482_003
	first := manifest.Commit{ID: strings.Repeat("1b9e77d0", 5), Date: "2026-11-14", Subject: "first"}
	history := []manifest.Commit{
		{ID: strings.Repeat("8f31c02a", 5), Date: "2026-11-20", Parents: []string{strings.Repeat("7", 40)}, Subject: "Show <b>|pipes|</b>"},
		{ID: strings.Repeat("7", 40), Date: "2026-11-19", Parents: []string{first.ID, strings.Repeat("6", 40)}, Subject: "Merge branch 'footer'"},
		{ID: strings.Repeat("6", 40), Date: "2026-11-18", Parents: []string{first.ID}, Subject: "Update the footer " + strings.Repeat("界", 60)},
		first,
	}
	now.Variants = []Variant{
		{Name: "distribution", Size: 385 << 20, Packages: packages(t, "linux-image-6.1.0-56-cloud-amd64 6.1.174-1 amd64, libssl3 3.0.17-1~deb12u3 amd64, openssl 3.0.17-1~deb12u3 amd64, perl 5.36.0-7+deb12u2 amd64, adduser 3.135 all, jq 1.6-2.1 amd64"),
			Changelogs: changelogs(t, "linux-signed-amd64 6.1.174+1 6.1.1+1: linux-image-6.1.0-56-cloud-amd64\n"+kernel+
				"\nopenssl 3.0.17-1~deb12u3 1.1.1-1: libssl3 openssl\n 3.0.17-1~deb12u3 CVE-2026-0001 CVE-2026-0002\n 3.0.17-1~deb12u2 CVE-2025-9999\nperl 5.36.0-7+deb12u2 5.30.0-1: perl\n")},
		{Name: "production", Size: 331 << 20, Packages: packages(t, "libssl3 3.0.17-1~deb12u3 amd64, openssl 3.0.17-1~deb12u3 amd64, adduser 3.135 all")},
	}
	old.Variants[0].Commits, now.Variants[0].Commits = []manifest.Commit{first}, history
	return old, now
}

// TestCompare compares all forms of a comparison with golden files.
func TestCompare(t *testing.T) {
	old, now := sides(t)
	c := Compare(old, now)
	c.Images[0].Update = 74 << 20
	var text, all, markdown bytes.Buffer
	for _, err := range []error{c.WriteText(&text, false), c.WriteText(&all, true), c.WriteMarkdown(&markdown)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	document, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.txt", text.Bytes())
	golden(t, "all.txt", all.Bytes())
	golden(t, "diff.md", markdown.Bytes())
	golden(t, FileName, document)
	for line := range strings.Lines(text.String() + all.String()) {
		if width := runewidth.StringWidth(line); width > columns && !strings.Contains(line, "https:") {
			t.Errorf("%d columns: %s", width, line)
		}
	}
	again, err := Decode(document)
	if diff := cmp.Diff(c, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestMoved: that the images stand on another release of the distribution is told in every
// form, and nothing of the kind if they don't.
func TestMoved(t *testing.T) {
	old, now := sides(t)
	now.System.Name = "Debian GNU/Linux 13 (trixie)"
	const moved = "Debian GNU/Linux 12 (bookworm) -> Debian GNU/Linux 13 (trixie)"
	c := Compare(old, now)
	var text, markdown bytes.Buffer
	if err := errors.Join(c.WriteText(&text, false), c.WriteMarkdown(&markdown)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "\nSystem    "+moved+"\n") || !strings.Contains(markdown.String(), "**System**: Debian GNU/Linux 12") {
		t.Errorf("%s\n%s", text.String(), markdown.String())
	}
	if got := Compare(old, old).System.Moved(); got != "" {
		t.Error(got)
	}
}

// TestUpdate: an update is as large as the publisher measured, unless it would
// be one to another variant.
func TestUpdate(t *testing.T) {
	old := Side{Name: "1", Variants: []Variant{{Name: "production", Size: 5}}}
	now := Side{Name: "2", Variants: []Variant{{Name: "production", Size: 6, Updates: map[string]int64{"1": 3000}}}}
	if got := Compare(old, now).Images[0].Update; got != 3000 {
		t.Errorf("%d bytes", got)
	}
	old.Variants[0].Name = "distribution"
	if got := Compare(old, now).Images[0].Update; got != 0 {
		t.Errorf("%d bytes from another variant", got)
	}
	if got := Compare(now, now).Images[0].Update; got != 0 {
		t.Errorf("%d bytes though nobody measured", got)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestFixes(t *testing.T) {
	const log = "openssl 3.0-3 3.0-1: openssl libssl3\n 3.0-3 CVE-3\n 3.0-2 CVE-2\n 3.0-1 CVE-1\n"
	const java = "java-common 0.74 0.50: default-jre\n 0.74 CVE-9\n"
	for _, test := range []struct {
		name, old, now         string // logs
		pkg, was, version, new string
		want                   string
		known                  bool
	}{
		{name: "one step", now: log, pkg: "openssl", version: "3.0-2", new: "3.0-3", want: "CVE-3", known: true},
		{name: "two steps", now: log, pkg: "libssl3", version: "3.0-1", new: "3.0-3", want: "CVE-3 CVE-2", known: true},
		{name: "built again", now: log, pkg: "openssl", version: "3.0-1+b2", new: "3.0-3+b1", want: "CVE-3 CVE-2", known: true},
		{name: "no changelog", pkg: "openssl", version: "3.0-2", new: "3.0-3"},
		{name: "the changelog begins too late", now: log, pkg: "openssl", version: "2.9-1", new: "3.0-3", want: "CVE-3 CVE-2 CVE-1"},
		{name: "a changelog of another version", now: log, pkg: "openssl", version: "3.0-3", new: "3.0-4"},
		{name: "versions of its own", now: java, pkg: "default-jre", version: "2:1.17-73", new: "2:1.17-74"},
		{name: "versions of its own, both changelogs", old: "java-common 0.73 0.50: default-jre\n", now: java, pkg: "default-jre", version: "2:1.17-73", new: "2:1.17-74", want: "CVE-9", known: true},
		{name: "both changelogs are the same", old: java, now: java, pkg: "default-jre", version: "2:1.17-73", new: "2:1.17-74"},
		{name: "downgrade", old: log, pkg: "openssl", version: "3.0-3", new: "3.0-2", want: "CVE-3", known: true},
		{name: "another name", old: "linux 6.1.1 6.0: image-1\n", now: "linux 6.1.2 6.0: image-2\n 6.1.2 CVE-5\n", pkg: "image-2", was: "image-1", version: "6.1-1", new: "6.1-2", want: "CVE-5", known: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Change{Name: test.pkg, Was: test.was, Old: test.version, New: test.new, Downgrade: CompareVersions(test.new, test.version) < 0}
			got, known := fixes(c, changelogs(t, test.old), changelogs(t, test.now))
			if strings.Join(got, " ") != test.want || known != test.known {
				t.Errorf("%v, known: %t", got, known)
			}
		})
	}
}

// TestUnknown: what is not known is said, not left out.
func TestUnknown(t *testing.T) {
	old, now := sides(t)
	for i := range now.Variants {
		old.Variants[i].Changelogs, now.Variants[i].Changelogs = nil, nil
	}
	var text bytes.Buffer
	if err := Compare(old, now).WriteText(&text, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"security fixes are not known: no changelogs", "4 changed, 1 new, 1 removed"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "security,") {
		t.Errorf("security fixes are counted though they are not known:\n%s", text.String())
	}
	now.Variants[1].Packages = nil
	if Compare(old, now).Packages.Known {
		t.Error("the packages are known though one list is missing")
	}
}

// FuzzDecode: what can be read can be told and written.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schema":1}`))
	f.Add([]byte(`{"schema":1,"packages":{"known":true,"changed":[{"name":"x","old":"1","new":"2","cves":["CVE-1"]}]},"amigo":{"new":{"commit":"ä"}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := Decode(content)
		if err != nil {
			return
		}
		var out bytes.Buffer
		for _, err := range []error{c.WriteText(&out, false), c.WriteText(&out, true), c.WriteMarkdown(&out)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		document, err := c.Encode()
		if err != nil {
			return // a time that JSON cannot say
		}
		if _, err := Decode(document); err != nil {
			t.Fatal(err)
		}
	})
}
