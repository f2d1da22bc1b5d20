package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// moody is a web server of a directory that can have a fault.
type moody struct {
	*httptest.Server
	dir   atomic.Pointer[string]
	fault atomic.Pointer[mood]
}

// mood is a fault with some of the files.
type mood struct {
	files    string // a pattern of their paths
	handler  faulty.Handler
	requests atomic.Int64
}

func serveMoody(t *testing.T, dir string) *moody {
	t.Helper()
	s := new(moody)
	s.dir.Store(&dir)
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *moody) answer(w http.ResponseWriter, r *http.Request) {
	mood := s.fault.Load()
	content, err := os.ReadFile(filepath.Join(*s.dir.Load(), filepath.FromSlash(r.URL.Path)))
	if mood == nil || err != nil || !regexp.MustCompile(mood.files).MatchString(r.URL.Path) {
		http.FileServer(http.Dir(*s.dir.Load())).ServeHTTP(w, r)
		return
	}
	mood.handler(w, r, mood.requests.Add(1), content)
}

// person is somebody with a home of their own, who types commands.
type person struct {
	t    *testing.T
	home string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	return &person{t, t.TempDir()}
}

func (p *person) store() string { return filepath.Join(p.home, "data", "amigo-image") }

func (p *person) environ() []string {
	return []string{
		"HOME=" + p.home, "XDG_CACHE_HOME=" + filepath.Join(p.home, "cache"), "XDG_DATA_HOME=" + filepath.Join(p.home, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(p.home, "config"),
	}
}

// types runs a line in a shell.
func (p *person) types(line string) (status int, stdout, stderr string) {
	p.t.Helper()
	var out, errs bytes.Buffer
	err := command.Run(context.Background(), command.Cmd{
		Name: "sh", Args: []string{"-c", line}, Dir: p.home, Stdout: &out, Stderr: &errs,
		Env: p.environ(),
	})
	var exit *command.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%s: %v", line, err)
	}
	if exit != nil {
		status = exit.Code
	}
	return status, out.String(), errs.String()
}

// fails types a line that must fail with one error of one to seven lines, and
// returns its parts by their names.
func (p *person) fails(line string, want int, what string) map[string]string {
	p.t.Helper()
	status, out, errs := p.types(line)
	if status != want || out != "" {
		p.t.Errorf("%s: exit status %d, want %d\n%s%s", line, status, want, out, errs)
	}
	start := strings.Index("\n"+errs, "\nerror: ")
	if start < 0 || strings.Count("\n"+errs, "\nerror: ") != 1 {
		p.t.Fatalf("%s: not one error:\n%s", line, errs)
	}
	text := strings.TrimSuffix(errs[start:], "\n")
	if lines := strings.Count(text, "\n") + 1; lines > 7 {
		p.t.Errorf("%s: an error of %d lines:\n%s", line, lines, text)
	}
	if !regexp.MustCompile(what).MatchString(text) {
		p.t.Errorf("%s: no %q in\n%s", line, what, text)
	}
	if strings.IndexFunc(errs, func(r rune) bool { return r < ' ' && r != '\n' }) >= 0 {
		p.t.Errorf("%s: control characters: %q", line, errs)
	}
	parts := map[string]string{}
	for _, part := range regexp.MustCompile(`(?m)^(?:  )?(error|where|kept|try): +(.*)$`).FindAllStringSubmatch(text, -1) {
		parts[part[1]] = part[2]
	}
	if len(parts["error"]) > fault.Longest {
		p.t.Errorf("%s: %d characters: %s", line, len(parts["error"]), parts["error"])
	}
	return parts
}

// hasNot fails the test if anything of the images that are here has a final
// name.
func (p *person) hasNot(versions ...string) {
	p.t.Helper()
	for _, version := range versions {
		if _, err := os.Stat(filepath.Join(p.store(), "images", version)); !errors.Is(err, fs.ErrNotExist) {
			p.t.Errorf("something of %s has its final name: %v", version, err)
		}
	}
}

// tries types what an error says to try, which must work.
func (p *person) tries(parts map[string]string) (stdout, stderr string) {
	p.t.Helper()
	line := parts["try"]
	if !strings.HasPrefix(line, "amigo-image ") {
		p.t.Fatalf("it is not a command line: %q", line)
	}
	status, out, errs := p.types(line)
	if status != 0 {
		p.t.Fatalf("%s: exit status %d\n%s%s", line, status, out, errs)
	}
	return out, errs
}

// TestIndexComesOnce: who goes on with a pull does not fetch the index again.
func TestIndexComesOnce(t *testing.T) {
	p, s := newPerson(t), serveMoody(t, makeRepository(t))
	line := "amigo-image pull " + s.URL + " stable"
	s.fault.Store(&mood{files: `\.raw\.zst$`, handler: faulty.Status(http.StatusNotFound)})
	p.fails(line, fault.Network, "lacks a file")
	s.fault.Store(&mood{files: `\.chunks$`, handler: faulty.Status(http.StatusNotFound)})
	if status, _, errs := p.types(line); status != 0 {
		t.Error(errs)
	}
}

// TestIndexWithoutRanges: a server that breaks off and cannot send parts is asked
// for the whole index again.
func TestIndexWithoutRanges(t *testing.T) {
	p, s := newPerson(t), serveMoody(t, makeRepository(t))
	s.fault.Store(&mood{files: `\.chunks$`, handler: func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		if n == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = w.Write(content[:len(content)/2])
			_ = http.NewResponseController(w).Flush()
			faulty.Closed(w, r, n, content)
		}
		faulty.WithoutRanges(w, r, n, content)
	}})
	if status, _, errs := p.types("amigo-image pull " + s.URL + " stable"); status != 0 {
		t.Error(errs)
	}
}

// TestFaultsOfServers provokes what servers do wrong, and what comes from one
// that was tampered with: each is one short error with its exit status, nothing
// gets a final name, and what the error says to try works once the fault is
// gone.
func TestFaultsOfServers(t *testing.T) {
	dir := makeRepository(t)
	const frames, index, timestamp = `-distribution\.raw\.zst$`, `-distribution\.chunks$`, `/timestamp\.json$`
	for name, c := range map[string]struct {
		files   string
		handler faulty.Handler
		status  int
		what    string
	}{
		"truncated":             {frames, faulty.Cut, fault.Verify, "another length than was signed"},
		"altered":               {frames, faulty.Altered, fault.Verify, `chunk \d+ of \d+ is not what the index says`},
		"altered index":         {index, faulty.Altered, fault.Verify, "is not what was signed"},
		"truncated index":       {index, faulty.Cut, fault.Verify, "another length than was signed"},
		"index gone":            {index, faulty.Status(http.StatusNotFound), fault.Network, "lacks a file"},
		"index that closes":     {index, faulty.Closed, fault.Network, "127.0.0.1:[0-9]+ cannot be reached"},
		"altered manifest":      {`/version\.json$|/manifest\.json$`, faulty.Altered, fault.Verify, "is not what was signed"},
		"altered state":         {timestamp, faulty.Altered, fault.Verify, "timestamp.json cannot be trusted"},
		"a page for guests":     {timestamp, faulty.Guests, fault.Verify, "timestamp.json cannot be trusted"},
		"guests get no image":   {frames, faulty.Guests, fault.Verify, "another length than was signed"},
		"endless state":         {timestamp, faulty.Endless, fault.Verify, "cannot be trusted"},
		"gone":                  {frames, faulty.Status(http.StatusNotFound), fault.Network, "lacks a file"},
		"forbidden":             {frames, faulty.Status(http.StatusForbidden), fault.Network, `refuses a file \(403\)`},
		"5xx":                   {frames, faulty.Status(http.StatusServiceUnavailable), fault.Network, `refuses a file \(503\)`},
		"5xx for the state":     {timestamp, faulty.Status(http.StatusBadGateway), fault.Network, `refuses a file \(502\)`},
		"stops in the middle":   {frames, faulty.Silent, fault.Network, "127.0.0.1:[0-9]+ does not send what it should"},
		"closes":                {frames, faulty.Closed, fault.Network, "127.0.0.1:[0-9]+ cannot be reached"},
		"redirects in a circle": {frames, faulty.Circle, fault.Network, "127.0.0.1:[0-9]+ does not send what it should"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := newPerson(t), serveMoody(t, dir)
			s.fault.Store(&mood{files: c.files, handler: c.handler})
			line := "amigo-image pull " + s.URL + " stable"
			if c.status == fault.Network {
				line += " --patience 1s"
			}
			parts := p.fails(line, c.status, c.what)
			p.hasNot("2026-11-15")
			if s.fault.Load().requests.Load() == 0 {
				t.Error("nobody asked for the file")
			}
			s.fault.Store(nil)
			out, _ := p.tries(parts)
			if !strings.HasSuffix(out, "disk.raw\n") {
				t.Errorf("it gave %q", out)
			}
		})
	}
}

// TestFaultsThatPass provokes what a pull gets over without a word of an error.
func TestFaultsThatPass(t *testing.T) {
	dir := makeRepository(t)
	other := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(other.Close)
	for name, handler := range map[string]faulty.Handler{
		"200 to a range":     faulty.WithoutRanges,
		"5xx for a while":    faulty.First(2, faulty.Status(http.StatusServiceUnavailable)),
		"closed for a while": faulty.First(2, faulty.Closed),
		"altered once":       faulty.First(1, faulty.Altered),
		"redirects": func(w http.ResponseWriter, r *http.Request, _ int64, _ []byte) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		},
		"a length that is wrong": faulty.Says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, total+1)}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := newPerson(t), serveMoody(t, dir)
			s.fault.Store(&mood{files: `\.raw\.zst$`, handler: handler})
			status, out, errs := p.types("amigo-image pull " + s.URL + " stable")
			if status != 0 || !strings.HasSuffix(out, "disk.raw\n") || strings.Contains(errs, "error") {
				t.Errorf("exit status %d\n%s%s", status, out, errs)
			}
		})
	}
}

// shifting is a repository whose past can be shown again.
type shifting struct {
	dir  string
	ring *tuf.Ring
	now  time.Time
}

func (s *shifting) refresh(t *testing.T) {
	t.Helper()
	r, err := repository.Open(t.Context(), s.dir, s.ring, repository.Options{By: "me@example.org", Now: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestFaultsOfTrust shows readers old, expired and foreign states.
func TestFaultsOfTrust(t *testing.T) {
	repo := publishTwo(t, time.Now().Add(-time.Hour))
	old := t.TempDir()
	if err := os.CopyFS(old, os.DirFS(repo.dir)); err != nil {
		t.Fatal(err)
	}
	repo.now = time.Now()
	repo.refresh(t)
	foreign := publishTwo(t, time.Now().Add(-time.Hour))
	expired := publishTwo(t, time.Now().Add(-30*24*time.Hour))

	t.Run("replayed", func(t *testing.T) {
		p, s := newPerson(t), serveMoody(t, repo.dir)
		if status, _, errs := p.types("amigo-image list " + s.URL); status != 0 {
			t.Fatal(errs)
		}
		s.dir.Store(&old)
		parts := p.fails("amigo-image pull "+s.URL+" stable", fault.Verify, "went back in time")
		p.hasNot("2026-11-15")
		s.dir.Store(&repo.dir)
		p.tries(parts)
	})
	t.Run("expired", func(t *testing.T) {
		p, s := newPerson(t), serveMoody(t, expired.dir)
		parts := p.fails("amigo-image pull "+s.URL+" stable", fault.Verify, "expired on ")
		p.hasNot("2026-11-15")
		expired.now = time.Now()
		expired.refresh(t)
		p.tries(parts)
	})
	t.Run("unknown key", func(t *testing.T) {
		p, s := newPerson(t), serveMoody(t, repo.dir)
		if status, _, errs := p.types("amigo-image list " + s.URL); status != 0 {
			t.Fatal(errs)
		}
		s.dir.Store(&foreign.dir)
		parts := p.fails("amigo-image pull "+s.URL+" stable", fault.Verify, "cannot be trusted")
		p.hasNot("2026-11-15")
		s.dir.Store(&repo.dir)
		p.tries(parts)
	})
	t.Run("wrong root", func(t *testing.T) {
		p, s := newPerson(t), serveMoody(t, repo.dir)
		root := filepath.Join(foreign.dir, "metadata", "1.root.json")
		p.fails("amigo-image pull "+s.URL+" stable --root "+root, fault.Verify, "cannot be trusted")
		p.hasNot("2026-11-15")
		line := "amigo-image pull " + s.URL + " stable --root " + filepath.Join(repo.dir, "metadata", "1.root.json")
		parts := p.fails(line, fault.Verify, "not the one that is pinned")
		for _, line := range []string{parts["try"], line} {
			if status, _, errs := p.types(line); status != 0 {
				t.Errorf("%s\n%s", line, errs)
			}
		}
	})
	t.Run("another root than the pinned", func(t *testing.T) {
		p, s := newPerson(t), serveMoody(t, repo.dir)
		if status, _, errs := p.types("amigo-image list " + s.URL); status != 0 {
			t.Fatal(errs)
		}
		root := filepath.Join(foreign.dir, "metadata", "1.root.json")
		line := "amigo-image pull " + s.URL + " stable --root " + root
		parts := p.fails(line, fault.Verify, "another than the one")
		p.hasNot("2026-11-15")
		s.dir.Store(&foreign.dir) // they did start over
		if status, _, errs := p.types(parts["try"]); status != 0 {
			t.Fatalf("%s: %s", parts["try"], errs)
		}
		if status, _, errs := p.types(line); status != 0 {
			t.Error(errs)
		}
	})
}

// TestFaultsOfPeople types names and files that are not right.
func TestFaultsOfPeople(t *testing.T) {
	s := serveMoody(t, makeRepository(t))
	p := newPerson(t)
	for line, what := range map[string]string{
		"amigo-image pull " + s.URL + " stabel":                      `no channel or version "stabel"`,
		"amigo-image pull " + s.URL + " 2026-11-51":                  `no channel or version "2026-11-51"`,
		"amigo-image pull " + s.URL + " stable --variant productiom": `no variant "productiom"`,
		"amigo-image info " + s.URL + " nightl":                      `no channel or version "nightl"`,
		"amigo-image diff --from " + s.URL + " stabel nightly":       `no channel or version "stabel"`,
	} {
		p.tries(p.fails(line, fault.NotFound, what))
	}
	for line, what := range map[string]string{
		"amigo-image pul " + s.URL + " stable":                   `no command "pul"`,
		"amigo-image pull " + s.URL + " stable --dry-rum":        "unknown flag: --dry-rum",
		"amigo-image list --form=" + s.URL:                       "unknown flag: --form",
		"amigo-image pull stable nightly " + s.URL + " --json=0": "one channel or version at a time",
	} {
		p.tries(p.fails(line, fault.Usage, what))
	}
	// A disk that is nobody's, and one of the publisher's that was changed.
	image := filepath.Join(p.home, "foreign.qcow2")
	if err := os.WriteFile(image, noise("foreign"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.fails("amigo-image verify --from "+s.URL+" foreign.qcow2", fault.Verify, "is not a file of this repository")
	p.fails("amigo-image verify --from "+s.URL+" nowhere.qcow2", fault.NotFound, "there is no file nowhere.qcow2")
	p.tries(p.fails("amigo-image verify --from "+s.URL+" nightly", fault.NotFound, "nightly is 2026-11-22, which is not here"))
}

// TestTwoPulls pulls one image twice at the same time: both end well, and it
// came once.
func TestTwoPulls(t *testing.T) {
	p, s := newPerson(t), serveMoody(t, makeRepository(t))
	meeting := make(chan struct{})
	s.fault.Store(&mood{files: `\.raw\.zst$`, handler: func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		<-meeting
		faulty.Honest(w, r, n, content)
	}})
	type outcome struct {
		status    int
		out, errs string
	}
	ends := make(chan outcome, 2)
	for range 2 {
		go func() {
			status, out, errs := p.types("amigo-image pull " + s.URL + " stable")
			ends <- outcome{status, out, errs}
		}()
	}
	waitFor(t, func() bool { // the second says that it waits, in its log
		logs, _ := filepath.Glob(filepath.Join(p.home, "cache", "amigo-image", "logs", "*"))
		for _, log := range logs {
			if text, _ := os.ReadFile(log); strings.Contains(string(text), "another process is pulling the same image") {
				return true
			}
		}
		return false
	})
	close(meeting)
	all := ""
	for range 2 {
		end := <-ends
		if end.status != 0 || !strings.HasSuffix(end.out, "disk.raw\n") {
			t.Errorf("exit status %d\n%s%s", end.status, end.out, end.errs)
		}
		all += end.errs
	}
	if strings.Count(all, "another process is pulling the same image") != 1 {
		t.Error(all)
	}
}

// waitFor waits until something is so; the test's own limit ends it.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for !so() {
		select {
		case <-t.Context().Done():
			t.Fatal("it never was")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
