package doctor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/repositorytest"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// published makes a repository at a time.
func published(t *testing.T, now time.Time) string {
	t.Helper()
	r := repositorytest.New(t, now)
	r.Add("stable", "2026-11-15", "production")
	return r.Dir
}

// TestAnswers tries repositories as readers meet them, and says what to do
// about each that can't be used.
func TestAnswers(t *testing.T) {
	dir := published(t, time.Now().Add(-time.Hour))
	whole := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer whole.Close()
	withoutRanges := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		faulty.WithoutRanges(w, r, 1, content)
	}))
	defer withoutRanges.Close()
	empty := t.TempDir()
	for name, c := range map[string]struct {
		location string
		state    State
		text     string
		cure     string
	}{
		"none":               {"", OK, "none is used yet", ""},
		"a directory":        {dir, OK, dir + ", current until ", ""},
		"a server":           {whole.URL, OK, whole.URL + ", current until ", ""},
		"a secret":           {strings.Replace(whole.URL, "://", "://bob:s3cret@", 1), OK, whole.URL + ", current until ", ""},
		"no parts of files":  {withoutRanges.URL, Slow, "", "--from, with another address of the repository"},
		"a secret query":     {"http://127.0.0.1:1/?t=s3cret", Missing, "connection refused", "curl -I, with metadata/timestamp.json at the end of the address's path"},
		"nobody is there":    {"http://127.0.0.1:1", Missing, "127.0.0.1:1", "curl -I http://127.0.0.1:1/metadata/timestamp.json"},
		"an empty directory": {empty, Missing, "there is no image repository at " + empty, "ls -l " + empty + "/metadata/timestamp.json"},
		"an expired state":   {published(t, time.Now().AddDate(0, -2, 0)), Missing, "expired on ", "date, to see whether this computer's clock is right"},
		"not a place at all": {"gopher://example.org", Missing, "gopher", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := answers(t.Context(), Host{Temp: t.TempDir(), Repository: c.location})
			if r.State != c.state || !strings.Contains(r.Text, c.text) || r.Cure != c.cure || strings.Contains(r.Text, "s3cret") {
				t.Errorf("%+v", r)
			}
			if strings.Contains(r.Text, "dial tcp") {
				t.Errorf("it shows what only a programmer reads: %+v", r)
			}
			if r.State != OK && r.Cost == "" {
				t.Errorf("it does not say what that means: %+v", r)
			}
		})
	}
}

// TestAnswersLeavesNothing: a repository is read as by one who never saw it, and
// that is not remembered.
func TestAnswersLeavesNothing(t *testing.T) {
	h := Host{Temp: t.TempDir(), Store: imagestore.At(filepath.Join(t.TempDir(), "store")), Repository: published(t, time.Now().Add(-time.Hour))}
	if r := answers(t.Context(), h); r.State != OK {
		t.Fatalf("%+v", r)
	}
	if left, err := os.ReadDir(h.Temp); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if _, err := os.Stat(h.Store.Path()); err == nil {
		t.Error("it is in the store")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h.Temp = file
	if r := answers(t.Context(), h); r.State != Missing || r.Cure != "export TMPDIR=DIR" {
		t.Errorf("without a place for temporary files: %+v", r)
	}
}

// TestStoreSpace: a store that can't be written to keeps images away, not
// builds.
func TestStoreSpace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := storeSpace(t.Context(), Host{Store: imagestore.At(file)})
	if r.State != Missing || r.Cost != "no image can be fetched" || r.Cure != "export XDG_DATA_HOME=DIR" {
		t.Errorf("%+v", r)
	}
}
