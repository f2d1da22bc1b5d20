//go:build vm

package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store/storetest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// reader is somebody outside, with a memory.
type reader struct {
	t      *testing.T
	from   origin.Origin
	client *trust.Client
}

func newReader(t *testing.T, from origin.Origin) *reader {
	return &reader{t: t, from: from, client: trust.OpenAt(filepath.Join(t.TempDir(), "reader"), from, nil)}
}

// at returns the version that the nightly channel is at, after reading and
// verifying every file that is signed for it.
func (r *reader) at() string {
	r.t.Helper()
	ctx := r.t.Context()
	view, err := r.client.Refresh(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	channel, err := view.Channel(ctx, "nightly")
	if err != nil {
		r.t.Fatal(err)
	}
	files, err := view.Files(ctx, "nightly")
	if err != nil {
		r.t.Fatal(err)
	}
	for path, want := range files {
		body, err := r.from.Open(ctx, path, want.Size)
		if err != nil {
			r.t.Fatalf("%s: %v", path, err)
		}
		content, err := io.ReadAll(body)
		if err = errors.Join(err, body.Close()); err != nil || manifest.Digest(content) != want.SHA256 {
			r.t.Fatalf("%s is not what was signed: %v", path, err)
		}
	}
	return channel.Version
}

func directory(t *testing.T, dir string) origin.Origin {
	t.Helper()
	from, err := origin.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return from
}

// Environment of a process that publishes.
const (
	publisherTo     = "TEST_PUBLISHER_TO"
	publisherKeys   = "TEST_PUBLISHER_KEYS"
	publisherImages = "TEST_PUBLISHER_IMAGES"
)

// TestPublisherProcess publishes what the environment says; the tests below
// start it, and kill it.
func TestPublisherProcess(t *testing.T) {
	to := os.Getenv(publisherTo)
	if to == "" {
		return // nobody asked this process to publish
	}
	if _, err := publishTo(t.Context(), to, os.Getenv(publisherKeys), os.Getenv(publisherImages)); err != nil {
		fmt.Fprintf(os.Stderr, "%q\n", err.Error()) // one line is kept whole
		t.FailNow()
	}
}

func publishTo(ctx context.Context, to, keys, images string) (Published, error) {
	ring, err := tuf.OpenRing(keys)
	if err != nil {
		return Published{}, err
	}
	r, err := Open(ctx, to, ring, Options{Wait: time.Minute})
	if err != nil {
		return Published{}, err
	}
	defer func() { _ = r.Close() }()
	return r.Publish(ctx, Release{Directories: []string{images}, Channel: "nightly"})
}

func startPublisher(t *testing.T, to, keys, images string, env ...string) *command.Process {
	t.Helper()
	p, err := command.Start(t.Context(), command.Cmd{Name: os.Args[0], Args: []string{"-test.run=^TestPublisherProcess$"}, Env: append([]string{
		publisherTo + "=" + to, publisherKeys + "=" + keys, publisherImages + "=" + images, "TMPDIR=" + t.TempDir(),
	}, env...)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// milestones are files whose appearance tells how far a publisher is.
func milestones(version string) []string {
	file := func(suffix string) string {
		return layout.Version(version, layout.FileName("amigo", version, "production", suffix))
	}
	return []string{
		"state/upload.json", file(".qcow2"), file(".raw.zst"), layout.Version(version, layout.SignatureFile),
		"metadata/2.snapshot.json",
	}
}

// TestKilled kills a publisher at fifty points. A reader sees the state before
// or the one after, and the next publisher goes on with what is there.
func TestKilled(t *testing.T) {
	ring, first, second := keys(t), small(t, "1"), small(t, "2")
	before := t.TempDir()
	old, err := publishTo(t.Context(), before, ring.Dir(), first)
	if err != nil {
		t.Fatal(err)
	}
	fresh := old.Version + ".2"
	for i := range 50 {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		out := newReader(t, directory(t, to))
		if at := out.at(); at != old.Version {
			t.Fatalf("it begins at %s", at)
		}
		killAt(t, startPublisher(t, to, ring.Dir(), second), to, fresh, i)
		if at := out.at(); at != old.Version && at != fresh {
			t.Fatalf("point %d: a reader sees %s", i, at)
		}
		there := sizes(t, filepath.Join(to, layout.VersionsDir, fresh))
		done, err := publishTo(t.Context(), to, ring.Dir(), second)
		if err != nil || done.Version != fresh || !done.Unchanged && done.Reused < there {
			t.Fatalf("point %d: %d bytes were there: %+v, %v", i, there, done, err)
		}
		if at := out.at(); at != fresh {
			t.Fatalf("point %d: at last a reader sees %s", i, at)
		}
		if c := catalogOf(t, to); len(c.Versions) != 2 || c.Channels[0].Version != fresh {
			t.Fatalf("point %d: at last a script sees %+v", i, c)
		}
		if left := sizes(t, filepath.Join(to, "state", "partial")); left > 0 {
			t.Errorf("point %d: %d bytes are left over", i, left)
		}
	}
}

func catalogOf(t *testing.T, dir string) layout.Catalog {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, layout.ChannelsFile))
	if err != nil {
		t.Fatal(err)
	}
	c, err := layout.DecodeCatalog(content)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// killAt kills a publisher some time after one of its milestones.
func killAt(t *testing.T, p *command.Process, to, version string, point int) {
	t.Helper()
	marks := milestones(version)
	mark := filepath.Join(to, marks[point%len(marks)])
	for running(p) {
		if _, err := os.Stat(mark); err == nil {
			break
		}
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(time.Duration(point/len(marks)) * 3 * time.Millisecond)
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}

func running(p *command.Process) bool {
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// sizes returns how many bytes the files below a directory have.
func sizes(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// TestTwoPublishers: processes that publish at once all get their version in,
// one after the other.
func TestTwoPublishers(t *testing.T) {
	ring, to := keys(t), t.TempDir()
	var all []*command.Process
	for _, seed := range []string{"1", "2", "3", "4"} {
		all = append(all, startPublisher(t, to, ring.Dir(), small(t, seed)))
	}
	for _, p := range all {
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	r, err := Open(t.Context(), to, ring, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	channel, err := r.History(t.Context(), "nightly")
	if err != nil || len(channel.History) != len(all) || channel.Sequence != int64(len(all)) {
		t.Errorf("%+v, %v", channel, err)
	}
	if at := newReader(t, directory(t, to)).at(); at != channel.Version {
		t.Errorf("a reader sees %s", at)
	}
}

// TestWithoutLock: even publishers that disregard the lock lose nothing; the
// comparison decides.
func TestWithoutLock(t *testing.T) {
	b := newBench(t)
	b.publish(small(t, "1"), "nightly")
	now, err := b.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := filesOf(now.State, layout.VersionManifest{Version: "2026-11-22"})
	const moves = 6
	errs := make(chan error, moves)
	for i := range moves {
		go func() {
			move := layout.Move{Action: layout.Promoted, Version: "2026-11-22", By: fmt.Sprint(i), At: b.now}
			_, err := b.move(t.Context(), now, "stable", move, files, "")
			errs <- err
		}()
	}
	lost := 0
	for range moves {
		if err := <-errs; err != nil {
			lost++
			if !errors.Is(err, store.ErrChanged) {
				t.Error(err)
			}
		}
	}
	channel, err := b.History(t.Context(), "stable")
	if err != nil || len(channel.History) != moves-lost || lost == moves {
		t.Errorf("%d lost, %v: %+v", lost, err, channel)
	}
}

// TestNginx: a directory behind a real web server, read back as the public
// reads it.
func TestNginx(t *testing.T) {
	work, dir, address := t.TempDir(), t.TempDir(), "127.0.0.1:"+storetest.Port(t)
	for _, d := range []string{work, dir} {
		if err := errors.Join(os.Chmod(d, 0o755), os.Chmod(filepath.Dir(d), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	config := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; events {}
http { access_log off; default_type application/octet-stream;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen %[2]s; root %[3]s; } }`, work, address, dir)
	file := filepath.Join(work, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	storetest.Serve(t, address, command.Cmd{Name: "nginx", Args: []string{"-p", work, "-c", file, "-e", "stderr"}})
	public := "http://" + address
	r, err := Open(t.Context(), "file://"+dir, keys(t), Options{PublicURL: public})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	out := newReader(t, directory(t, public))
	for _, seed := range []string{"1", "2"} {
		done, err := r.Publish(t.Context(), Release{Directories: []string{small(t, seed)}, Channel: "nightly"})
		if err != nil {
			t.Fatal(err)
		}
		if at := out.at(); at != done.Version {
			t.Errorf("a reader sees %s instead of %s", at, done.Version)
		}
	}
	if _, err := r.Rollback(t.Context(), Back{Channel: "nightly"}); err != nil {
		t.Fatal(err)
	}
	if at := out.at(); strings.Contains(at, ".") {
		t.Errorf("after a rollback a reader sees %s", at)
	}
	remembers(t, dir, r.ring, public)
}

// remembers rewrites the pages without saying where they are read.
func remembers(t *testing.T, dir string, ring *tuf.Ring, public string) {
	t.Helper()
	r, err := Open(t.Context(), "file://"+dir, ring, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := http.Get(public + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Body.Close() }()
	text, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK || !strings.Contains(string(text), "amigo-image pull "+public) {
		t.Errorf("%v: the page: %s\n%s", err, page.Status, text)
	}
}

// TestServers publishes to the object stores of three protocols, and reads as
// everybody does.
func TestServers(t *testing.T) {
	for name, start := range storetest.All() {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			t.Run("flow", func(t *testing.T) { flow(t, server) })
			t.Run("publishers", func(t *testing.T) { publishers(t, server) })
			refuses(t, server.Location("wrong"), server.Stranger, "the credentials do not open "+name+"://images")
			refuses(t, server.Location("guest"), server.Guest, "permission denied")
		})
	}
}

// flow is the life of a repository.
func flow(t *testing.T, server *storetest.Server) {
	clock := time.Now()
	r, err := Open(t.Context(), server.Location("go"), keys(t), Options{
		PublicURL: server.Public + "/go", Now: func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	out := newReader(t, directory(t, server.Public+"/go"))
	at := func(want string, err error) {
		t.Helper()
		if at := out.at(); err != nil || at != want {
			t.Errorf("a reader sees %s instead of %s, %v", at, want, err)
		}
	}
	var versions []string
	for i, seed := range []string{"1", "2", "3", "3"} {
		done, err := r.Publish(t.Context(), Release{Directories: []string{small(t, seed)}, Channel: "nightly"})
		at(done.Version, err)
		if done.Unchanged != (i == 3) {
			t.Errorf("%d: %+v", i, done)
		}
		versions = append(versions, done.Version)
	}
	if _, err := r.Promote(t.Context(), Promotion{From: versions[1], Channel: "stable"}); err != nil {
		t.Fatal(err)
	}
	_, err = r.Rollback(t.Context(), Back{Channel: "nightly"})
	at(versions[1], err)
	_, err = r.Refresh(t.Context())
	at(versions[1], err)
	headers(t, server)
	last, err := r.Publish(t.Context(), Release{Directories: []string{small(t, "4")}, Channel: "nightly"})
	at(last.Version, err)
	rules, gone := Rules{Policy: keep.Policy{Last: 1}}, []string{versions[0], versions[2]}
	pruned, err := r.Prune(t.Context(), rules)
	if at(last.Version, err); len(pruned.Withdrawn) != len(gone) {
		t.Errorf("%+v", pruned)
	}
	clock = clock.AddDate(0, 0, 7)
	if pruned, err = r.Prune(t.Context(), rules); err != nil || !slices.Equal(pruned.Removed, gone) {
		t.Errorf("%v: %+v", err, pruned)
	}
	for _, name := range []string{layout.Version(gone[0], layout.SumsFile), "state/lock"} {
		if _, err := r.store.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s stays: %v", name, err)
		}
	}
}

// headers looks at what every file says of itself to who reads it.
func headers(t *testing.T, server *storetest.Server) {
	t.Helper()
	s, err := store.Open(t.Context(), server.Location("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	entries, err := s.List(t.Context(), "")
	if err != nil || len(entries) < 30 {
		t.Fatalf("%d files: %v", len(entries), err)
	}
	for _, entry := range entries {
		answer, err := http.Head(server.Public + "/go/" + entry.Path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		want := "no-store"
		if strings.HasPrefix(entry.Path, "versions/") || strings.HasPrefix(entry.Path, "metadata/") && entry.Path != tuf.Timestamp {
			want = "public, max-age=31536000, immutable, no-transform"
		}
		got := answer.Header
		if answer.StatusCode != http.StatusOK || got.Get("Cache-Control") != want || got.Get("Content-Encoding") != "" || got.Get("Content-Type") == "" {
			t.Errorf("%s: %s, %v", entry.Path, answer.Status, got)
		}
	}
}

// publishers are three processes at once, without a lock on their side.
func publishers(t *testing.T, server *storetest.Server) {
	location, ring := server.Location("three"), keys(t)
	var all []*command.Process
	for _, seed := range []string{"1", "2", "3"} {
		all = append(all, startPublisher(t, location, ring.Dir(), small(t, seed)))
	}
	for _, p := range all {
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	r, err := Open(t.Context(), location, ring, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if channel, err := r.History(t.Context(), "nightly"); err != nil || len(channel.History) != len(all) {
		t.Errorf("%+v, %v", channel, err)
	}
}

// refuses: a publisher with such an environment is told why it cannot publish.
func refuses(t *testing.T, location string, other map[string]string, why string) {
	t.Helper()
	if other == nil {
		return // the server lets everybody in
	}
	var env []string
	for name, value := range other {
		env = append(env, name+"="+value)
	}
	err := startPublisher(t, location, keys(t).Dir(), small(t, "1"), env...).Wait()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%q is not the reason: %v", why, err)
	}
}

// TestFullDisk: a disk that is full leaves readers where they were, and with
// more room the same command goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ring, second := keys(t), small(t, "2")
	old, err := publishTo(t.Context(), dir, ring.Dir(), small(t, "1"))
	if err != nil {
		t.Fatal(err)
	}
	out := newReader(t, directory(t, dir))
	full := 0
	for room := used(t, dir) + 16<<10; ; room += 64 << 10 {
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", room)); err != nil {
			t.Fatal(err)
		}
		_, err := publishTo(t.Context(), dir, ring.Dir(), second)
		if err == nil {
			break
		}
		full++
		if at := out.at(); !errors.Is(err, syscall.ENOSPC) || at != old.Version && !errors.As(err, new(*PagesError)) {
			t.Fatalf("with %d bytes a reader sees %s: %v", room, at, err)
		}
	}
	if full < 3 {
		t.Errorf("the disk was full %d times", full)
	}
	if at := out.at(); at != old.Version+".2" {
		t.Errorf("a reader sees %s", at)
	}
}

// used returns how many bytes of a file system are in use.
func used(t *testing.T, dir string) uint64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
}
