package obtain

import (
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/repositorytest"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// The versions of the tests' repository.
const (
	older = "2026-11-15" // stable
	newer = "2026-11-22" // nightly
)

// patience is for servers that answer at once, if they are to.
var patience = origin.Patience{Idle: time.Minute, First: time.Millisecond, Longest: time.Millisecond, Total: time.Second, Unmet: time.Second}

// shared is the directory of the repository that tests only read: publishing
// takes most of their time.
var (
	shared string
	once   sync.Once
)

func TestMain(m *testing.M) {
	var err error
	if shared, err = os.MkdirTemp("", "obtain-"); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := os.RemoveAll(shared); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// location returns the directory of a repository that must not be changed.
func location(t *testing.T) string {
	t.Helper()
	once.Do(func() {
		if err := os.CopyFS(shared, os.DirFS(publish(t).Dir)); err != nil {
			t.Fatal(err)
		}
	})
	return shared
}

// publish makes a repository with both versions.
func publish(t *testing.T) *repositorytest.Repository {
	t.Helper()
	r := repositorytest.New(t, time.Now().Add(-time.Hour))
	r.Add("stable", older, "production")
	r.Add("nightly", newer, "distribution", "production")
	return r
}

// server is a web server of a directory that can have a fault.
type server struct {
	*httptest.Server
	dir      string
	fault    atomic.Pointer[mood]
	requests atomic.Int64
}

// mood is a fault with the files whose paths match.
type mood struct {
	files    *regexp.Regexp
	handler  faulty.Handler
	requests atomic.Int64
}

func serve(t *testing.T, dir string) *server {
	t.Helper()
	s := &server{dir: dir}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	mood := s.fault.Load()
	if mood == nil || !mood.files.MatchString(r.URL.Path) {
		http.FileServer(http.Dir(s.dir)).ServeHTTP(w, r)
		return
	}
	content, _ := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(r.URL.Path)))
	mood.handler(w, r, mood.requests.Add(1), content)
}

// spoil gives the server a fault.
func (s *server) spoil(files string, handler faulty.Handler) {
	s.fault.Store(&mood{files: regexp.MustCompile(files), handler: handler})
}

// reader is somebody who reads a repository into a store.
type reader struct {
	*Repository
	t     *testing.T
	store imagestore.Store
}

func read(t *testing.T, location string) *reader {
	t.Helper()
	store := imagestore.At(t.TempDir())
	r, err := Open(t.Context(), store, location, patience, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{r, t, store}
}

func (r *reader) resolve(name string) Choice {
	r.t.Helper()
	choice, err := r.Resolve(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return choice
}

func (r *reader) plan(name, variant string) Download {
	r.t.Helper()
	plan, err := r.Plan(r.t.Context(), r.resolve(name), variant)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = plan.Close() })
	return plan
}

func (r *reader) pull(name, variant string) imagestore.Image {
	r.t.Helper()
	image, _, err := r.Pull(r.t.Context(), r.plan(name, variant), event.Discard)
	if err != nil {
		r.t.Fatal(err)
	}
	return image
}

// try pulls an image as far as it goes.
func (r *reader) try(ctx context.Context, name, variant string) error {
	choice, err := r.Resolve(ctx, name)
	if err != nil {
		return err
	}
	plan, err := r.Plan(ctx, choice, variant)
	if err != nil {
		return err
	}
	defer func() { _ = plan.Close() }()
	_, _, err = r.Pull(ctx, plan, event.Discard)
	return err
}
