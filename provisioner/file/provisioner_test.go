package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func prepared(t *testing.T, config map[string]any) *Provisioner {
	t.Helper()
	p := new(Provisioner)
	if err := p.Prepare(config); err != nil {
		t.Fatal(err)
	}
	return p
}

func source(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.txt")
	if err := os.WriteFile(path, []byte("from a file"), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUpload(t *testing.T) {
	path := source(t)
	for _, c := range []struct {
		config     map[string]any
		path, data string
	}{
		{map[string]any{"content": "text", "destination": "/etc/x"}, "/etc/x", "text"},
		{map[string]any{"source": path, "destination": "/etc/x"}, "/etc/x", "from a file"},
		{map[string]any{"sources": []string{path}, "destination": "/etc/"}, "/etc/source.txt", "from a file"},
	} {
		comm := &packersdk.MockCommunicator{}
		if err := prepared(t, c.config).Provision(t.Context(), packersdk.TestUi(t), comm, nil); err != nil {
			t.Fatal(err)
		}
		if comm.UploadPath != c.path || comm.UploadData != c.data {
			t.Errorf("%v: uploaded %q to %s", c.config, comm.UploadData, comm.UploadPath)
		}
	}
}

func TestUploadDirectory(t *testing.T) {
	dir := filepath.Dir(source(t))
	comm := &packersdk.MockCommunicator{}
	p := prepared(t, map[string]any{"source": dir + "/", "destination": "/srv/x"})
	if err := p.Provision(t.Context(), packersdk.TestUi(t), comm, nil); err != nil {
		t.Fatal(err)
	}
	if comm.UploadDirSrc != dir+"/" || comm.UploadDirDst != "/srv/x" {
		t.Errorf("uploaded %s to %s", comm.UploadDirSrc, comm.UploadDirDst)
	}
}

func TestDownload(t *testing.T) {
	dir := t.TempDir()
	comm := &packersdk.MockCommunicator{DownloadData: "from the guest"}
	p := prepared(t, map[string]any{"source": "/etc/hosts", "destination": filepath.Join(dir, "new") + "/", "direction": "download"})
	if err := p.Provision(t.Context(), packersdk.TestUi(t), comm, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "new", "hosts"))
	if err != nil || string(text) != "from the guest" {
		t.Errorf("%q, %v", text, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "new", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestPrepareTellsEveryFault(t *testing.T) {
	err := new(Provisioner).Prepare(map[string]any{"source": "/no/such/file", "content": "x", "direction": "sideways"})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{"destination: it is missing", "give one of them", "sideways"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if err := new(Provisioner).Prepare(map[string]any{"source": "/no/such/file", "destination": "/x", "generated": true}); err != nil {
		t.Error(err)
	}
}

func TestFingerprintFollowsTheFiles(t *testing.T) {
	path := source(t)
	p := prepared(t, map[string]any{"source": filepath.Dir(path), "destination": "/x"})
	first, err := p.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Fingerprint(t.Context()); err != nil || again != first {
		t.Errorf("the same files give %s and %s, %v", first, again, err)
	}
	if err := os.WriteFile(path, []byte("another one"), 0o640); err != nil {
		t.Fatal(err)
	}
	if changed, err := p.Fingerprint(t.Context()); err != nil || changed == first {
		t.Errorf("other files give the same, %v", err)
	}
}
