package fetch

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// of "hello".
const helloSum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func TestDownload(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path != "/a.txt" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("hello"))
	}))
	defer server.Close()
	c := cache.At(t.TempDir())
	var seen int64
	o := Options{Progress: func(done, _ int64) { seen = done }}
	for range 2 {
		file, sum, err := File(t.Context(), c, server.URL+"/a.txt", "sha256:"+helloSum, o)
		if err != nil || sum != helloSum || filepath.Base(file) != "a.txt" || seen != 5 {
			t.Fatal(file, sum, seen, err)
		}
	}
	if asked != 1 {
		t.Errorf("loaded %d times", asked)
	}
	_, _, err := File(t.Context(), c, server.URL+"/a.txt", strings.Repeat("0", 64), o)
	var wrong *ChecksumError
	if !errors.As(err, &wrong) || wrong.Got != helloSum {
		t.Error(err)
	}
	if _, _, err = File(t.Context(), c, server.URL+"/b", helloSum, o); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
	server.Close()
	if _, _, err = File(t.Context(), c, server.URL+"/c", helloSum, o); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func TestAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer server.Close()
	if _, _, err := File(t.Context(), cache.At(t.TempDir()), server.URL+"/a", helloSum, Options{}); err == nil {
		t.Error("an unknown authority is trusted")
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (Options{Authorities: []string{file}}).Validate(); err == nil {
		t.Error("a file without a certificate is taken")
	}
}

func TestValidChecksum(t *testing.T) {
	for sum, ok := range map[string]bool{
		"": true, helloSum: true, "sha256:" + helloSum: true, "md5:" + helloSum: false,
		strings.ToUpper(helloSum): false, helloSum[1:]: false,
	} {
		if err := ValidChecksum(sum); (err == nil) != ok {
			t.Errorf("%q: %v", sum, err)
		}
	}
}

// TestFile: a path is the file itself, if it has the checksum that it should.
func TestFile(t *testing.T) {
	store := cache.At(t.TempDir())
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	for _, want := range []string{"", sum, "sha256:" + sum} {
		if file, got, err := File(t.Context(), store, path, want, Options{}); err != nil || file != path || got != sum {
			t.Errorf("%q: %s, %s, %v", want, file, got, err)
		}
	}
	_, _, err := File(t.Context(), store, path, "sha256:"+strings.Repeat("0", 64), Options{})
	wrong, ok := errors.AsType[*ChecksumError](err)
	if !ok || wrong.Got != sum || wrong.Fault().Code != fault.Verify {
		t.Errorf("another checksum: %v", err)
	}
	if _, _, err := File(t.Context(), store, filepath.Join(t.TempDir(), "none"), "", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestTrustFile: programs that take one file of certificates trust an authority, too.
func TestTrustFile(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	store := cache.At(t.TempDir())
	trusted, err := Options{Authorities: []string{authority}}.TrustFile(t.Context(), store)
	if content, _ := os.ReadFile(trusted); err != nil || !bytes.Contains(content, text) {
		t.Errorf("%s, %v", trusted, err)
	}
	if none, err := (Options{}).TrustFile(t.Context(), store); none != "" || err != nil {
		t.Errorf("without authorities: %q, %v", none, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{other: "holds no certificate", other + ".missing": "no such file"} {
		if _, err := (Options{Authorities: []string{file}}).TrustFile(t.Context(), store); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}
