package catalog

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// rendered returns the pages and feeds of a scene by their paths.
func rendered(t *testing.T, s scene) map[string]string {
	t.Helper()
	files, err := Render(s.catalog, s.options)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, file := range files {
		pages[file.Path] = string(file.Content)
	}
	return pages
}

var fragments = regexp.MustCompile(`href="([\w./-]*)#([\w-]+)"`)

// TestFragments follows every link into a page: such a place is there.
func TestFragments(t *testing.T) {
	for name, scene := range scenes(t) {
		pages := rendered(t, scene)
		for file, page := range pages {
			for _, link := range fragments.FindAllStringSubmatch(page, -1) {
				target := file
				if link[1] != "" {
					target = path.Join(path.Dir(file), link[1])
				}
				if !strings.Contains(pages[target], `id="`+link[2]+`"`) {
					t.Errorf("%s: %s leads to %s#%s, which is not there", name, file, target, link[2])
				}
			}
		}
	}
}

// TestServersApart: what is for servers and clouds has a page of its own, for
// the variant that is made for them.
func TestServersApart(t *testing.T) {
	pages := rendered(t, repository(t, false))
	for _, id := range []string{"proxmox", "openstack", "ec2", "gce", "azure"} {
		heading := `<h3 id="` + id + `">`
		if strings.Contains(pages["index.html"], heading) || !strings.Contains(pages["servers.html"], heading) {
			t.Errorf("%s is not on the page of its own", id)
		}
	}
	if strings.Contains(pages["servers.html"], "-distribution.qcow2") {
		t.Error("the page of servers is not only of the production image")
	}
}

// TestOnlyDistribution: who did not publish a production image offers none.
func TestOnlyDistribution(t *testing.T) {
	scene := repository(t, false)
	for i := range scene.catalog.Versions {
		scene.catalog.Versions[i].Images = scene.catalog.Versions[i].Images[:1]
	}
	pages := rendered(t, scene)
	if strings.Contains(pages["index.html"], "Not sure?") || strings.Contains(pages["index.html"], "Production, for a service") {
		t.Error("the page offers a choice that there is not")
	}
	if page := pages["servers.html"]; !strings.Contains(page, "no production variant") || !strings.Contains(page, "-distribution.qcow2") {
		t.Error("the page of servers does not say that it offers the distribution")
	}
}

// TestHelp: the pages say who publishes and who is asked as far as that is
// known, and name nobody else.
func TestHelp(t *testing.T) {
	const publisher, ask = "<b>images.example.org</b> publishes", `<a href="https://help.example.org/amigo">Ask for help`
	for _, c := range []struct {
		base, issues, name string
		want               []string
	}{
		{base, "", "Jo & Sample", []string{`id="help"`, "<b>Jo &amp; Sample</b> publishes"}},
		{base, "https://help.example.org/amigo", "", []string{`id="help"`, publisher, ask, ">tell us</a>"}},
		{base, "", "", []string{`id="help"`, publisher}},
		{"", "https://help.example.org/amigo", "", []string{`id="help"`, ask, ">tell us</a>"}},
		{"", "", "", nil},
	} {
		scene := repository(t, false)
		scene.options.BaseURL, scene.options.Issues, scene.options.Publisher = c.base, c.issues, c.name
		page := rendered(t, scene)["index.html"]
		var got []string
		for _, part := range []string{`id="help"`, "<b>Jo &amp; Sample</b> publishes", publisher, ask, ">tell us</a>"} {
			if strings.Contains(page, part) {
				got = append(got, part)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q, %q (-want +got):\n%s", c.base, c.issues, diff)
		}
	}
}

// TestMeanings: of a channel that only its publisher knows, the page says
// nothing but its name.
func TestMeanings(t *testing.T) {
	scene := repository(t, false)
	scene.catalog.Channels[0].Channel = "workshop"
	page := rendered(t, scene)["index.html"]
	if strings.Contains(page, "workshop</b> is") || strings.Contains(page, "workshop</a></b> is") || strings.Contains(page, "everyday use") {
		t.Error("the page explains a channel that it does not know")
	}
	if !strings.Contains(page, "nightly</a></b> is the newest build.") {
		t.Error("the page does not say what nightly is")
	}
}

// TestStarts: boot times are those that were measured.
func TestStarts(t *testing.T) {
	boots := func(seconds float64) []manifest.Boot { return []manifest.Boot{{Firmware: "bios", Serving: seconds}} }
	version := func(name, accelerator string, seconds float64) layout.VersionManifest {
		image := layout.Image{Variant: "distribution", BootTest: manifest.BootTest{Accelerator: accelerator, Boots: boots(seconds)}}
		return layout.VersionManifest{Version: name, Images: []layout.Image{image}}
	}
	for name, c := range map[string]struct {
		versions []layout.VersionManifest
		want     []start
	}{
		"one":            {[]layout.VersionManifest{version("3", "tcg", 180)}, []start{{"tcg", 180, ""}}},
		"both":           {[]layout.VersionManifest{version("3", "tcg", 180), version("2", "kvm", 20), version("1", "kvm", 30)}, []start{{"tcg", 180, ""}, {"kvm", 20, "2"}}},
		"none":           {[]layout.VersionManifest{version("3", "", 0)}, nil},
		"not measured":   {[]layout.VersionManifest{version("3", "tcg", 0), version("2", "kvm", 20)}, []start{{"kvm", 20, "2"}}},
		"another system": {[]layout.VersionManifest{version("3", "whpx", 60)}, nil},
	} {
		s := site{catalog: layout.Catalog{Versions: c.versions}}
		got := s.starts(s.release("", layout.Channel{}, c.versions[0]))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
