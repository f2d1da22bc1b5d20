package layout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

var digest = strings.Repeat("ab", 32)

func version() VersionManifest {
	return VersionManifest{
		Schema: Schema, Product: "amigo", Version: "2026-11-22", Created: time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC),
		Images: []Image{{
			Variant: "distribution", Disk: Disk{Size: 8 << 30, SHA256: digest},
			Updates: map[string]int64{"2026-11-21": 0, "2026-11-15": 77594624},
			Files:   map[manifest.Role]string{manifest.Disk: "amigo.qcow2"},
		}},
		Files: []manifest.File{{Name: "amigo.qcow2", Role: manifest.Disk, Size: 1, SHA256: digest}},
	}
}

func channel() Channel {
	pin := Reference{Size: 1, SHA256: digest}
	c := Channel{Channel: "nightly"}.Moved(Move{Action: Published, Version: "2026-11-21", Manifest: pin})
	return c.Moved(Move{Action: Published, Version: "2026-11-22", Manifest: pin, At: time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC)})
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"stable": true, "release-2": true, "": false, "metadata": false, "root": false, "a/b": false, "..": false, "2x": false, "Stable": false,
	} {
		if err := CheckChannel(name); (err == nil) != good {
			t.Errorf("channel %q: %v", name, err)
		}
	}
	for name, good := range map[string]bool{
		"2026-11-22": true, "2026-11-22.2": true, "2.5.17+1": true, "": false, "stable": false, "1/../2": false, "1\n": false,
	} {
		if err := CheckVersion(name); (err == nil) != good {
			t.Errorf("version %q: %v", name, err)
		}
	}
}

func TestVersionRoundTrip(t *testing.T) {
	content, err := version().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeVersion(content)
	want := version()
	want.Created = want.Created.Truncate(time.Second)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	file, err := got.File(got.Images[0], manifest.Disk)
	if err != nil || file.Name != "amigo.qcow2" {
		t.Errorf("%+v, %v", file, err)
	}
	if _, err := got.File(got.Images[0], Chunks); err == nil {
		t.Error("a file that is not there was found")
	}
}

func TestVersionFaults(t *testing.T) {
	for want, spoil := range map[string]func(*VersionManifest){
		"not a valid version":       func(v *VersionManifest) { v.Version = "../x" },
		"no images":                 func(v *VersionManifest) { v.Images = nil },
		"no size or no digest":      func(v *VersionManifest) { v.Images[0].Disk.SHA256 = "" },
		"a negative size":           func(v *VersionManifest) { v.Images[0].Updates = map[string]int64{"2026-11-21": -1} },
		"\"x\" is not a valid v":    func(v *VersionManifest) { v.Images[0].Updates = map[string]int64{"x": 1} },
		"there is no file":          func(v *VersionManifest) { v.Images[0].Files[Chunks] = "x" },
		"\"../1\" is not a valid v": func(v *VersionManifest) { v.Images[0].In = "../1" },
		"its data are missing":      func(v *VersionManifest) { v.Images[0].Data = "data" },
		"is there twice":            func(v *VersionManifest) { v.Files = append(v.Files, v.Files[0]) },
		"not the name of a fil":     func(v *VersionManifest) { v.Files[0].Name = "../../etc/passwd" },
	} {
		v := version()
		spoil(&v)
		if _, err := v.Encode(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestImageOfAnEarlierVersion: its files are where that version has brought them.
func TestImageOfAnEarlierVersion(t *testing.T) {
	v := version()
	v.Images[0].In = "2026-11-15"
	v.Files = append(v.Files, manifest.File{Name: "changes.json", SHA256: digest})
	if at := v.Path("amigo.qcow2"); at != "versions/2026-11-15/amigo.qcow2" {
		t.Error(at)
	}
	if at := v.Path("changes.json"); at != "versions/2026-11-22/changes.json" {
		t.Error(at)
	}
	if _, apart := v.DataOf(v.Images[0]); apart {
		t.Error("it has data of its own")
	}
	v.Images = append(v.Images, Image{Variant: "data", Disk: v.Images[0].Disk})
	v.Images[0].Data = "data"
	if data, apart := v.DataOf(v.Images[0]); !apart || data.Variant != "data" {
		t.Errorf("%+v, %v", data, apart)
	}
}

func TestChannelMoves(t *testing.T) {
	c := channel()
	content, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeChannel("nightly", content)
	if diff := cmp.Diff(c, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got.Sequence != 2 || got.History[0].Sequence != 2 || got.Version != "2026-11-22" || got.History[1].Version != "2026-11-21" {
		t.Errorf("%+v", got)
	}
	if _, err := DecodeChannel("stable", content); err == nil {
		t.Error("the state of another channel was taken")
	}
}

func FuzzDecode(f *testing.F) {
	v, err := version().Encode()
	if err != nil {
		f.Fatal(err)
	}
	c, err := channel().Encode()
	if err != nil {
		f.Fatal(err)
	}
	catalog, err := Catalog{Product: "amigo", Channels: []Channel{channel()}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{v, c, catalog, nil, []byte("null"), []byte(`{"files":[null]}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, content []byte) {
		if v, err := DecodeVersion(content); err == nil {
			_, _ = v.File(v.Images[0], manifest.Disk)
		}
		_, _ = DecodeChannel("nightly", content)
		_, _ = DecodeCatalog(content)
	})
}
