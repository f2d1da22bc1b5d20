package plugin

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin/plugintest"
)

const testSource = "github.com/hashicorp/tester"

// released makes releases of a plugin and returns their directory.
func released(t *testing.T, versions ...string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, v := range versions {
		if err := plugintest.Release(dir, testSource, v, program); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func required(t *testing.T, constraint string) pipeline.RequiredPlugin {
	t.Helper()
	r := pipeline.RequiredPlugin{Name: "tester", Source: testSource}
	if constraint != "" {
		var err error
		if r.Constraints, err = version.NewConstraint(constraint); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// gitHub answers as GitHub does: its API lists tags, its pages have the files of releases.
func gitHub(t *testing.T, dir string, tags ...string) GitHub {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/repos/hashicorp/packer-plugin-tester/git/matching-refs/tags", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		var refs []string
		for _, tag := range tags {
			refs = append(refs, `{"ref": "refs/tags/`+tag+`", "node_id": "x", "object": {"type": "commit"}}`)
		}
		_, _ = w.Write([]byte("[" + strings.Join(refs, ",") + "]"))
	})
	mux.HandleFunc("GET /hashicorp/packer-plugin-tester/releases/download/{tag}/{file}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token is for the API alone")
		}
		http.Redirect(w, r, "/objects/"+r.PathValue("file"), http.StatusFound)
	})
	mux.Handle("GET /objects/", http.StripPrefix("/objects/", http.FileServer(http.Dir(dir))))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return GitHub{API: server.URL + "/api", Site: server.URL, Token: "secret"}
}

func TestDownload(t *testing.T) {
	files := released(t, "1.0.0", "1.9.0", "1.10.0", "2.0.0-rc1")
	github := gitHub(t, files, "v1.0.0", "v1.9.0", "v1.10.0", "v2.0.0-rc1", "v9.9.9", "nightly")
	for constraint, want := range map[string]string{"": "1.10.0", "< 1.10": "1.9.0", "1.0.0": "1.0.0", "~> 1.0": "1.10.0"} {
		dir := filepath.Join(t.TempDir(), "plugins")
		p, err := Download(t.Context(), dir, required(t, constraint), []Releases{github})
		if err != nil || p.Version.String() != want || p.Description.Version != want {
			t.Errorf("%q: %v, %v", constraint, p, err)
			continue
		}
		found, ignored, err := Installed(t.Context(), dir, nil)
		if err != nil || len(found) != 1 || len(ignored) != 0 || found[0].Source != testSource {
			t.Errorf("%q: %v, %v, %v", constraint, found, ignored, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Errorf("%q: %v is left", constraint, left)
		}
	}
}

func TestNoRelease(t *testing.T) {
	files := released(t, "1.0.0")
	for name, test := range map[string]struct {
		places []Releases
		want   string
		is     error
	}{
		"too old":       {[]Releases{gitHub(t, files, "v1.0.0")}, "no release of " + testSource + " >= 2.0", nil},
		"not there":     {[]Releases{Mirror(t.TempDir())}, "no such file", fs.ErrNotExist},
		"nothing there": {[]Releases{gitHub(t, files)}, "there is no release", nil},
		"no token":      {[]Releases{GitHub{API: gitHub(t, files).API}}, "set PACKER_GITHUB_API_TOKEN", nil},
		"bad token":     {[]Releases{GitHub{API: gitHub(t, files).API, Token: "other"}}, "the token in PACKER_GITHUB_API_TOKEN", nil},
	} {
		_, err := Download(t.Context(), t.TempDir(), required(t, ">= 2.0"), test.places)
		var none *NoReleaseError
		if !errors.As(err, &none) || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Download(t.Context(), t.TempDir(), pipeline.RequiredPlugin{Source: "qemu"}, nil); err == nil {
		t.Error("a source without a host")
	}
}

// TestSecondPlace: where one place does not have a plugin, the next is asked.
func TestSecondPlace(t *testing.T) {
	files := released(t, "1.0.0")
	p, err := Download(t.Context(), t.TempDir(), required(t, ""), []Releases{Mirror(t.TempDir()), gitHub(t, files, "v1.0.0")})
	if err != nil || p.Description.Version != "1.0.0" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestPlaces: the forms in which plugins are published.
func TestPlaces(t *testing.T) {
	files := released(t, "1.0.0", "1.1.0")
	mirror := t.TempDir()
	under := filepath.Join(mirror, filepath.FromSlash(testSource))
	if err := errors.Join(os.MkdirAll(filepath.Dir(under), 0o755), os.Symlink(files, under)); err != nil {
		t.Fatal(err)
	}
	hashicorp := t.TempDir()
	for _, v := range []string{"1.0.0", "1.1.0"} {
		to := filepath.Join(hashicorp, "packer-plugin-tester", v)
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		all, _ := filepath.Glob(filepath.Join(files, "*_v"+v+"_*"))
		for _, file := range all {
			name := strings.Replace(filepath.Base(file), "_v"+v+"_SHA", "_"+v+"_SHA", 1)
			if err := os.Symlink(file, filepath.Join(to, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := `{"name": "packer-plugin-tester", "versions": {"1.0.0": {"name": "x"}, "1.1.0": {}}}`
	if err := os.WriteFile(filepath.Join(hashicorp, "packer-plugin-tester", "index.json"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	served := httptest.NewServer(http.FileServer(http.Dir(mirror)))
	defer served.Close()
	official := httptest.NewServer(http.FileServer(http.Dir(hashicorp)))
	defer official.Close()
	for name, place := range map[string]Releases{"directory": Mirror(mirror), "its URL": Mirror("file://" + mirror), "HashiCorp": HashiCorp(official.URL)} {
		if p, err := Download(t.Context(), t.TempDir(), required(t, ""), []Releases{place}); err != nil || p.Description.Version != "1.1.0" {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := Download(t.Context(), t.TempDir(), required(t, ""), []Releases{Mirror(served.URL)}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a server without an index: %v", err)
	}
	if err := os.WriteFile(filepath.Join(files, "index.json"), []byte(`{"versions": {"v1.0.0": {}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := Download(t.Context(), t.TempDir(), required(t, ""), []Releases{Mirror(served.URL)}); err != nil || p.Description.Version != "1.0.0" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestAlteredReleases: nothing of a release that is not what it should be is installed.
func TestAlteredReleases(t *testing.T) {
	stem := "packer-plugin-tester_v1.0.0_x5.0_linux_amd64"
	good := released(t, "1.0.0")
	sums, err := os.ReadFile(filepath.Join(good, "packer-plugin-tester_v1.0.0_SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	archive := func(files map[string]string) string {
		content, err := plugintest.Archive(files)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for name, test := range map[string]struct {
		content string
		signed  bool // the checksum is that of the content
		want    string
	}{
		"altered":      {"altered", false, "has sha256"},
		"no archive":   {"no archive", true, "not a valid zip"},
		"empty":        {archive(nil), true, "it has no file packer-plugin-tester_*"},
		"not a plugin": {archive(map[string]string{stem: "#!/bin/sh\necho no\n"}), true, "its answer is not one of a plugin"},
		"fails":        {archive(map[string]string{stem: "#!/bin/sh\nexit 3\n"}), true, "exit status 3"},
		"another version": {
			archive(map[string]string{stem: "#!/bin/sh\necho '{\"version\":\"1.0.1\",\"api_version\":\"x5.0\"}'\n"}), true, "says that its version is 1.0.1",
		},
		"another protocol": {
			archive(map[string]string{stem: "#!/bin/sh\necho '{\"version\":\"1.0.0\",\"api_version\":\"x9.0\"}'\n"}), true, "is for linux_amd64",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, plugins := t.TempDir(), t.TempDir()
			list := string(sums)
			if test.signed {
				list = manifest.Digest([]byte(test.content)) + "  " + stem + ".zip\n"
			}
			err := errors.Join(
				os.WriteFile(filepath.Join(dir, stem+".zip"), []byte(test.content), 0o600),
				os.WriteFile(filepath.Join(dir, "packer-plugin-tester_v1.0.0_SHA256SUMS"), []byte(list), 0o600),
			)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = Download(t.Context(), plugins, required(t, ""), []Releases{gitHub(t, dir, "v1.0.0")}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(plugins, "*", "*", "*", "*")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func TestArchiveIn(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for list, want := range map[string]string{
		sum + "  packer-plugin-x_v1.0.0_x5.0_linux_amd64.zip":   "packer-plugin-x_v1.0.0_x5.0_linux_amd64.zip",
		sum + " *packer-plugin-x_v1.0.0_x5.0_linux_amd64.zip":   "packer-plugin-x_v1.0.0_x5.0_linux_amd64.zip",
		sum + "  packer-plugin-x_1.0.0_linux_amd64.zip":         "packer-plugin-x_1.0.0_linux_amd64.zip",
		sum + "  packer-plugin-x_v1.0.0_x6.0_linux_amd64.zip":   "",
		sum + "  packer-plugin-x_v1.0.0_x5.0_windows_amd64.zip": "",
		sum + "  packer-plugin-y_v1.0.0_x5.0_linux_amd64.zip":   "",
		sum + "  packer-plugin-x_v1/../../a_linux_amd64.zip":    "",
		"abab  packer-plugin-x_v1.0.0_x5.0_linux_amd64.zip":     "",
		"":                       "",
		"<html>not found</html>": "",
		sum + "  packer-plugin-x_v1_x9.0_linux_amd64.zip\n" + sum + "  packer-plugin-x_v1_x5.0_linux_amd64.zip\n": "packer-plugin-x_v1_x5.0_linux_amd64.zip",
	} {
		if got, _ := archiveIn(list, "packer-plugin-x"); got != want {
			t.Errorf("%q: %q", list, got)
		}
	}
}

func TestPublished(t *testing.T) {
	for source, places := range map[string]int{"github.com/hashicorp/qemu": 2, "github.com/geneontology/amigo": 1, "example.org/a/b": 0} {
		if got := Published(source, ""); len(got) != places {
			t.Errorf("%s: %v", source, got)
		}
	}
	if got := repository("github.com/hashicorp/qemu"); got != "hashicorp/packer-plugin-qemu" || path.Base(got) != program("github.com/hashicorp/qemu") {
		t.Error(got)
	}
}

// TestDownloadIsStopped: who stops it does not wait.
func TestDownloadIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	if _, err := Download(ctx, t.TempDir(), required(t, ""), []Releases{Mirror(server.URL)}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
