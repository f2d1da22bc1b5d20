package catalog

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

var update = flag.Bool("update", false, "write the golden files")

// TestRender compares all pages and feeds with golden files, which open in a
// browser.
func TestRender(t *testing.T) {
	for name, scene := range scenes(t) {
		t.Run(name, func(t *testing.T) {
			files, err := Render(scene.catalog, scene.options)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if len(file.Content) > 100_000 {
					t.Errorf("%s has %d bytes", file.Path, len(file.Content))
				}
				golden(t, filepath.Join("testdata", name, file.Path), string(file.Content))
			}
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var links = regexp.MustCompile(`href="([^"#][^"]*)"`)

// TestLinks follows every link to the repository: there is such a file.
func TestLinks(t *testing.T) {
	for name, scene := range scenes(t) {
		files, err := Render(scene.catalog, scene.options)
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{"channels.json": true, "minisign.pub": true, "root.json": true}
		for _, file := range files {
			there[file.Path] = true
		}
		for _, v := range scene.catalog.Versions {
			for _, file := range v.Files {
				there[v.Path(file.Name)] = true
			}
			for _, own := range []string{layout.ManifestFile, layout.SumsFile, layout.SignatureFile} {
				there[layout.Version(v.Version, own)] = true
			}
		}
		for _, file := range files {
			for _, link := range links.FindAllSubmatch(file.Content, -1) {
				target, _, _ := strings.Cut(string(link[1]), "#")
				if !strings.Contains(target, ":") && path.Ext(file.Path) == ".html" && !there[path.Join(path.Dir(file.Path), target)] {
					t.Errorf("%s: %s leads to %s, which is not there", name, file.Path, target)
				}
			}
		}
	}
}

// TestHostile: what people typed stays text.
func TestHostile(t *testing.T) {
	scene := repository(t, false)
	const hostile = `<script>alert(1)</script>"'&`
	scene.catalog.Channels[0].History[0].Reason = hostile
	scene.catalog.Channels[0].Revoked["2026-11-15"] = hostile
	scene.catalog.Nights[0].Detail = hostile
	scene.catalog.Versions[1].AmiGO.Version = hostile
	news := scene.options.Changes["2026-11-15"]
	news.AmiGO.Commits.Subjects[0].Subject = hostile
	news.AmiGO.Gone, news.AmiGO.Unknown = news.AmiGO.Commits, hostile
	scene.options.Changes["2026-11-15"] = news
	scene.options.Issues = "javascript:alert(1)"
	files, err := Render(scene.catalog, scene.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(string(file.Content), "<script>alert") || strings.Contains(string(file.Content), "javascript:") {
			t.Errorf("%s runs what somebody typed", file.Path)
		}
	}
}

// TestLarge: a page stays small however much there is to tell.
func TestLarge(t *testing.T) {
	scene := repository(t, false)
	c := &scene.catalog
	for range 6 {
		c.Versions = append(c.Versions, c.Versions...)
		c.Nights = append(c.Nights, c.Nights...)
		c.Channels[1].History = append(c.Channels[1].History, c.Channels[1].History...)
	}
	news := scene.options.Changes["2026-11-15"]
	commits := &changes.Commits{Count: 400}
	for range changes.MaxSubjects {
		commits.Subjects = append(commits.Subjects, changes.Commit{ID: digest("x"), Date: "2026-11-15", Subject: strings.Repeat("界<", 100)})
	}
	news.AmiGO.Commits, news.AmiGO.Gone = commits, commits
	for range 6 {
		news.Packages.Changed = append(news.Packages.Changed, news.Packages.Changed...)
		news.Packages.Added = append(news.Packages.Added, news.Packages.Added...)
	}
	for i := range news.Packages.Changed {
		news.Packages.Changed[i].New += fmt.Sprint("+", i)
	}
	scene.options.Changes["2026-11-15"] = news
	files, err := Render(*c, scene.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if len(file.Content) > 100_000 {
			t.Errorf("%s has %d bytes", file.Path, len(file.Content))
		}
	}
	if !strings.Contains(string(files[0].Content), "older ones") {
		t.Error("the page does not say that there is more")
	}
}
