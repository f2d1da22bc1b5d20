//go:build vm

package catalog

import (
	"archive/tar"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// result is a file that lines make: a disk in a format, or an archive of them.
type result struct {
	name, format string
	demands      func(t *testing.T, path string) // of the platform
}

// results are those of the page's sections, by the id of their headings.
var results = map[string][]result{
	"hyper-v":    {{name: "amigo.vhdx", format: "vhdx"}},
	"virtualbox": {{name: "amigo.vdi", format: "vdi"}},
	"vmware":     {{name: "amigo.vmdk", format: "vmdk"}},
	"vagrant":    {{name: "amigo.box", demands: holds("metadata.json", "box.img")}, {name: "box.img", format: "qcow2"}},
	"xen":        {{name: "amigo.vhd", format: "vpc", demands: vhd(3)}},
	"eucalyptus": {{name: "amigo.raw", format: "raw"}},
	"ec2":        {{name: "amigo.vmdk", format: "vmdk", demands: streamed}},
	"gce":        {{name: "disk.raw", format: "raw", demands: gibibytes}, {name: "amigo.tar.gz", demands: oldSparse}},
	"azure":      {{name: "amigo.vhd", format: "vpc", demands: fixed}},
}

// check compares a disk with the one that it was made from.
func (r result) check(t *testing.T, home string) {
	t.Helper()
	path := filepath.Join(home, r.name)
	if r.format != "" {
		sources, err := filepath.Glob(filepath.Join(home, "amigo-*.qcow2"))
		if err != nil || len(sources) != 1 {
			t.Fatalf("sources: %v, %v", sources, err)
		}
		compare := command.Cmd{Name: "qemu-img", Args: []string{"compare", "-f", "qcow2", "-F", r.format, sources[0], path}}
		if err := command.Run(t.Context(), compare); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	if r.demands != nil {
		r.demands(t, path)
	}
}

// holds says which files an archive has to have, and in which order.
func holds(want ...string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		var got []string
		for header := range members(t, path) {
			got = append(got, header.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// oldSparse: Google takes one disk.raw, with its holes as old GNU tar tells
// them.
func oldSparse(t *testing.T, path string) {
	t.Helper()
	holds("disk.raw")(t, path)
	for header := range members(t, path) {
		if header.Typeflag != tar.TypeGNUSparse || header.Format != tar.FormatGNU || header.Size != 1<<30 {
			t.Errorf("%s has %+v", path, header)
		}
	}
}

// members goes through a .tar.gz.
func members(t *testing.T, path string) func(yield func(*tar.Header) bool) {
	t.Helper()
	return func(yield func(*tar.Header) bool) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		archive := tar.NewReader(unzipped)
		for header, err := archive.Next(); err == nil && yield(header); {
			header, err = archive.Next()
		}
	}
}

// gibibytes: Google's disks are whole GiB.
func gibibytes(t *testing.T, path string) {
	t.Helper()
	if size := length(t, path); size%(1<<30) != 0 {
		t.Errorf("%s has %d bytes", path, size)
	}
}

// fixed: Azure's are fixed VHDs of whole MiB, besides the footer.
func fixed(t *testing.T, path string) {
	t.Helper()
	vhd(2)(t, path)
	if size := length(t, path); size%(1<<20) != 512 {
		t.Errorf("%s has %d bytes", path, size)
	}
}

func length(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// vhd says which kind of VHD the footer has to tell: 2 is fixed, 3 dynamic.
func vhd(kind uint32) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		footer := content[len(content)-512:]
		if got := binary.BigEndian.Uint32(footer[60:]); string(footer[:8]) != "conectix" || got != kind {
			t.Errorf("%s is not a VHD of kind %d: %q, %d", path, kind, footer[:8], got)
		}
	}
}

// streamed: EC2 takes VMDKs that can be read from front to back.
func streamed(t *testing.T, path string) {
	t.Helper()
	out, err := command.Output(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"info", "--output=json", path}})
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Specific struct {
			Data struct {
				Kind string `json:"create-type"`
			} `json:"data"`
		} `json:"format-specific"`
	}
	if err := json.Unmarshal(out, &info); err != nil || info.Specific.Data.Kind != "streamOptimized" {
		t.Errorf("%s is %q: %v", path, info.Specific.Data.Kind, err)
	}
}
