package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// The sample repository is test data: its newest version has the facts of two
// images that were built and tested; all else in it is invented.

const (
	base = "https://images.example.org"
	key  = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
	root = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

var night = time.Date(2026, 11, 22, 2, 5, 31, 0, time.UTC)

// scene is a repository and what else its pages say.
type scene struct {
	catalog layout.Catalog
	options Options
}

// scenes are the repositories that the tests look at.
func scenes(t *testing.T) map[string]scene {
	t.Helper()
	full := repository(t, false)
	example := repository(t, true)
	example.catalog.Channels = example.catalog.Channels[1:] // no stable yet
	example.options.BaseURL, example.options.Changes, example.options.Issues, example.options.Screenshot = "", nil, "", Screenshot{}
	gone := repository(t, false)
	gone.catalog.Versions = nil
	return map[string]scene{
		"data": apart(t), "full": full, "example": example, "gone": gone,
		"empty": {layout.Catalog{Product: "amigo", Updated: night}, Options{BaseURL: base}},
	}
}

// apart returns a repository whose data are on disks of their own: two versions have the
// same.
func apart(t *testing.T) scene {
	t.Helper()
	s := repository(t, false)
	for i := range s.catalog.Versions {
		v := &s.catalog.Versions[i]
		for j := range v.Images {
			v.Images[j].Data = manifest.DataVariant
			v.Images[j].BootTest.MemoryMiB = 14336
		}
		disk := manifest.File{Role: manifest.Disk, Size: 9_120_004_119, VirtualSize: 10 << 30}
		m := manifest.Manifest{Variant: manifest.DataVariant, Files: []manifest.File{disk}, GOlr: v.GOlr}
		if i > 0 {
			addImage(v, m, i)
			continue
		}
		addImage(v, m, 0)
		lent := &v.Images[len(v.Images)-1]
		lent.In = s.catalog.Versions[1].Version
		for role, name := range lent.Files {
			at := slices.IndexFunc(v.Files, func(f manifest.File) bool { return f.Name == name })
			v.Files[at].Name = strings.ReplaceAll(name, v.Version, lent.In)
			lent.Files[role] = v.Files[at].Name
		}
	}
	return s
}

// repository returns a repository with two channels.
func repository(t *testing.T, example bool) scene {
	t.Helper()
	days := []string{"2026-11-22", "2026-11-15", "2026-10-18", "2026-09-20"}
	c := layout.Catalog{Product: "amigo", Updated: night.Add(time.Hour)}
	for i, day := range days {
		c.Versions = append(c.Versions, version(t, day, i, example))
	}
	move := func(at, name string, action layout.Action, by, reason string) layout.Move {
		when, err := time.Parse(time.DateTime, at)
		if err != nil {
			t.Fatal(err)
		}
		return layout.Move{At: when, Version: name, Action: action, By: by, Reason: reason, Manifest: layout.Reference{Size: 1, SHA256: digest("m")}}
	}
	stable, nightly := layout.Channel{Channel: "stable"}, layout.Channel{Channel: "nightly"}
	for _, m := range []layout.Move{
		move("2026-09-21 09:12:00", days[3], layout.Promoted, "Mira Example", "release 2026-09"),
		move("2026-10-19 10:01:00", days[2], layout.Promoted, "Mira Example", "release 2026-10"),
		move("2026-11-16 08:30:00", days[1], layout.Promoted, "Jo Sample", "release 2026-11"),
		move("2026-11-16 14:02:00", days[2], layout.RolledBack, "Jo Sample", "searches for gene products were slow"),
		move("2026-11-18 09:40:00", days[1], layout.Promoted, "Jo Sample", "it was the proxy in front"),
	} {
		stable = stable.Moved(m)
	}
	for i := range days {
		day := days[len(days)-1-i]
		nightly = nightly.Moved(move(day+" 02:05:31", day, layout.Published, "nightly", ""))
	}
	stable.Revoked = map[string]string{days[3]: "its clock stops after a day; use a later one"}
	c.Channels = []layout.Channel{stable, nightly}
	c.Withdrawn = []layout.Tombstone{
		{Version: "2026-08-16", Created: night.AddDate(0, -3, -6), Removed: night.AddDate(0, 0, -8), Reason: "older than the keep rules", Done: true},
		{Version: "2026-09-27", Created: night.AddDate(0, -2, 0), NotBefore: night.AddDate(0, 0, 6), Reason: "older than the keep rules"},
	}
	c.Nights = []layout.Night{
		{At: night, Result: "published", Version: days[0]},
		{At: night.AddDate(0, 0, -1), Result: "test failed", Detail: "a search for apoptosis found nothing; nightly stays at 2026-11-15"},
		{At: night.AddDate(0, 0, -2), Result: "no change"},
	}
	return scene{c, Options{BaseURL: base + "/", PublicKey: "untrusted comment: minisign public key\n" + key + "\n", Identity: root[:16], RootSHA256: root, Changes: news(days), Issues: "https://help.example.org/amigo", Screenshot: Screenshot{Width: 1280, Height: 900}}}
}

func digest(text string) string { return manifest.Digest([]byte(text)) }

// version returns a version. The first has the facts of real images.
func version(t *testing.T, name string, age int, example bool) layout.VersionManifest {
	t.Helper()
	created, err := time.Parse(time.DateOnly, name)
	if err != nil {
		t.Fatal(err)
	}
	v := layout.VersionManifest{Schema: layout.Schema, Product: "amigo", Version: name, Created: created}
	for _, variant := range []string{"distribution", "production"} {
		content, err := os.ReadFile(filepath.Join("testdata", variant+".json"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := manifest.Decode(content)
		if err != nil {
			t.Fatal(err)
		}
		v.AmiGO, v.GOlr, v.System, v.Tool = m.AmiGO, m.GOlr, m.System, m.Tool
		addImage(&v, m, age)
		if age == 0 && example && variant == "distribution" { // for another processor, too
			m.Variant = layout.VariantName(variant, "arm64")
			m.BootTest.Boots = []manifest.Boot{{Firmware: "uefi", SSH: 60, Serving: 120}}
			addImage(&v, m, 1)
		}
	}
	if age == 2 { // was tested by another host
		v.Images[0].BootTest.Accelerator = "kvm"
		v.Images[0].BootTest.Boots = []manifest.Boot{{Firmware: "bios", SSH: 9.1, Serving: 21.4}, {Firmware: "uefi", SSH: 10.2, Serving: 22.8}}
	}
	if !example {
		v.AmiGO = manifest.AmiGO{Version: "2.5.17", Commit: digest(name)[:40], Source: "https://github.com/geneontology/amigo.git", Serve: "workers"}
		v.GOlr = manifest.GOlr{Documents: 11_482_003 - int64(age)*10_411, Date: created.AddDate(0, 0, -43).Format(time.DateOnly), DOI: fmt.Sprintf("10.5281/zenodo.000000%d", age)}
	}
	return v
}

// addImage publishes an image as a version's.
func addImage(v *layout.VersionManifest, m manifest.Manifest, age int) {
	disk, _ := m.Disk()
	image := layout.Image{
		Variant: m.Variant, Disk: layout.Disk{Size: disk.VirtualSize, SHA256: digest(v.Version + m.Variant)},
		Packages: m.Packages.Count, BootTest: m.BootTest, Files: map[manifest.Role]string{},
	}
	for _, f := range []struct {
		role   manifest.Role
		suffix string
		size   int64
	}{
		{manifest.Disk, ".qcow2", disk.Size}, {layout.Chunks, ".raw.zst", disk.Size - 5<<20}, {layout.Index, ".chunks", 901_120},
		{manifest.PackageList, ".packages.txt", 28_223}, {manifest.SecurityFixes, ".cves.txt", 96_001}, {manifest.CommitList, ".commits.txt", 76_804},
		{layout.ImageFacts, ".manifest.json", 1_535}, {layout.BootReport, ".boot-test.json", 18_012}, {layout.Screenshot, ".screen.png", 9_120},
	} {
		about := []manifest.Role{manifest.PackageList, manifest.SecurityFixes, manifest.CommitList, layout.BootReport, layout.Screenshot}
		if m.Variant == manifest.DataVariant && slices.Contains(about, f.role) {
			continue // of a system
		}
		name := layout.FileName("amigo", v.Version, m.Variant, f.suffix)
		image.Files[f.role] = name
		file := manifest.File{Name: name, Role: f.role, Size: f.size - int64(age)*int64(len(name)), SHA256: digest(name)}
		if f.role == manifest.Disk && age == 0 {
			file.Size, file.SHA256, file.Format = disk.Size, disk.SHA256, disk.Format
		}
		v.Files = append(v.Files, file)
	}
	v.Images = append(v.Images, image)
	if m.Variant == "production" {
		v.Files = append(v.Files, manifest.File{Name: "changes.json", Role: layout.Changes, Size: 12_001, SHA256: digest("changes")})
	}
}

// news are invented changes for the two newest versions.
func news(days []string) map[string]changes.Changes {
	old := changes.Side{
		Name: days[2], AmiGO: manifest.AmiGO{Version: "2.5.17", Commit: digest(days[2])[:40], Source: "https://github.com/geneontology/amigo.git"},
		GOlr:   manifest.GOlr{Documents: 11_461_181, Date: "2026-09-05", DOI: "10.5281/zenodo.0000002"},
		System: manifest.System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-55-cloud-amd64"},
		Variants: []changes.Variant{
			{Name: "distribution", Size: 379_011_072, Packages: packages("linux-image-6.1.0-55-cloud-amd64 6.1.170-1", "openssl 3.0.17-1~deb12u2", "libssl3 3.0.17-1~deb12u2", "libxml2 2.9.14+dfsg-1.3~deb12u2", "apache2 2.4.65-1~deb12u1", "apache2-bin 2.4.65-1~deb12u1", "tzdata 2026a-0+deb12u1", "git 1:2.39.5-0+deb12u2", "locales-all 2.36-9")},
			{Name: "production", Size: 331_011_072, Packages: packages("linux-image-6.1.0-55-cloud-amd64 6.1.170-1", "libssl3 3.0.17-1~deb12u2", "openssl 3.0.17-1~deb12u2", "tzdata 2026a-0+deb12u1")},
		},
	}
	now := old
	now.Name, now.AmiGO.Commit = days[1], digest(days[1])[:40]
	now.GOlr = manifest.GOlr{Documents: 11_471_592, Date: "2026-10-03", DOI: "10.5281/zenodo.0000001"}
	now.System = manifest.System{Name: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.57+deb13-cloud-amd64"}
	logs := []manifest.Changelog{
		{Source: "openssl", Version: "3.0.17-1~deb12u3", Oldest: "3.0.0-1", Packages: []string{"libssl3", "openssl"}, Fixes: []manifest.Fix{{Version: "3.0.17-1~deb12u3", CVEs: []string{"CVE-2026-0001", "CVE-2026-0002"}}}},
		{Source: "linux-signed-amd64", Version: "6.1.174+1", Oldest: "6.1.1+1", Packages: []string{"linux-image-6.1.0-56-cloud-amd64"}, Fixes: []manifest.Fix{{Version: "6.1.174+1", CVEs: kernelFixes()}}},
		{Source: "apache2", Version: "2.4.71-1~deb12u1", Oldest: "2.4.38-1", Packages: []string{"apache2", "apache2-bin"}, Fixes: []manifest.Fix{{Version: "2.4.71-1~deb12u1", CVEs: []string{"CVE-2026-0003"}}}},
		{Source: "tzdata", Version: "2026c-0+deb12u1", Oldest: "2019a-1", Packages: []string{"tzdata"}},
	}
	past := []manifest.Changelog{{Source: "linux-signed-amd64", Version: "6.1.170+1", Oldest: "6.1.1+1", Packages: []string{"linux-image-6.1.0-55-cloud-amd64"}}}
	old.Variants[0].Changelogs = past
	now.Variants = []changes.Variant{
		{Name: "distribution", Size: 385_351_680, Changelogs: logs, Packages: packages("linux-image-6.1.0-56-cloud-amd64 6.1.174-1", "openssl 3.0.17-1~deb12u3", "libssl3 3.0.17-1~deb12u3", "libxml2 2.9.14+dfsg-1.3~deb12u3", "apache2 2.4.71-1~deb12u1", "apache2-bin 2.4.71-1~deb12u1", "tzdata 2026c-0+deb12u1", "git 1:2.39.5-0+deb12u2", "jq 1.6-2.1+deb12u1", "libjq1 1.6-2.1+deb12u1")},
		{Name: "production", Size: 333_053_952, Changelogs: logs, Packages: packages("linux-image-6.1.0-56-cloud-amd64 6.1.174-1", "openssl 3.0.17-1~deb12u3", "libssl3 3.0.17-1~deb12u3", "tzdata 2026c-0+deb12u1")},
	}
	first := manifest.Commit{ID: old.AmiGO.Commit, Date: "2026-10-16", Subject: "first"}
	old.Variants[0].Commits = []manifest.Commit{first}
	now.Variants[0].Commits = []manifest.Commit{
		{ID: now.AmiGO.Commit, Date: "2026-11-12", Parents: []string{digest("2")}, Subject: "Show the taxon beside the gene product"},
		{ID: digest("2"), Date: "2026-11-11", Parents: []string{digest("3")}, Subject: "Escape <angle> brackets in filters"},
		{ID: digest("3"), Date: "2026-10-30", Parents: []string{first.ID}, Subject: "Update the footer"}, first,
	}
	c := changes.Compare(old, now)
	c.Images[0].Update, c.Images[1].Update = 61_203_456, 58_004_992
	newest := changes.Compare(now, now)
	newest.To.Name = days[0]
	return map[string]changes.Changes{days[1]: c, days[0]: newest}
}

func packages(lines ...string) []manifest.Package {
	var list []manifest.Package
	for _, line := range lines {
		name, version, _ := strings.Cut(line, " ")
		list = append(list, manifest.Package{Name: name, Version: version, Architecture: "amd64"})
	}
	return list
}

func kernelFixes() []string {
	var list []string
	for i := range 214 {
		list = append(list, fmt.Sprintf("CVE-2026-%04d", 1000+i))
	}
	return list
}
