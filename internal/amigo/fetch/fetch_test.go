package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
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
