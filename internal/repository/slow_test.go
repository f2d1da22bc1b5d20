//go:build vm

package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/sign"
	"github.com/geneontology/packer-plugin-amigo/internal/trust"
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
		t.Fatal(err)
	}
}

func publishTo(ctx context.Context, to, keys, images string) (Published, error) {
	ring, err := sign.OpenRing(keys)
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

func startPublisher(t *testing.T, to, keys, images string) *command.Process {
	t.Helper()
	p, err := command.Start(t.Context(), command.Cmd{Name: os.Args[0], Args: []string{"-test.run=^TestPublisherProcess$"}, Env: []string{
		publisherTo + "=" + to, publisherKeys + "=" + keys, publisherImages + "=" + images, "TMPDIR=" + t.TempDir(),
	}})
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
	files := filesOf(now.State, "2026-11-22")
	const moves = 6
	errs := make(chan error, moves)
	for i := range moves {
		go func() {
			move := layout.Move{Action: layout.Promoted, Version: "2026-11-22", By: fmt.Sprint(i), At: b.now}
			_, err := b.move(t.Context(), "stable", move, files, "")
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

// port returns a free port of the loopback.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve starts a server that ends with the test, and waits until it answers.
func serve(t *testing.T, address string, server command.Cmd) {
	t.Helper()
	var out strings.Builder
	var mu sync.Mutex
	server.Stdout = writer(func(p []byte) { mu.Lock(); defer mu.Unlock(); out.Write(p) })
	server.Stderr = server.Stdout
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p, err := command.Start(ctx, server)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = p.Wait()
	})
	for running(p) && t.Context().Err() == nil {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	t.Fatalf("%s does not answer: %s", server.Name, out.String())
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// TestNginx: a directory behind a real web server, read back as the public
// reads it.
func TestNginx(t *testing.T) {
	work, dir, address := t.TempDir(), t.TempDir(), "127.0.0.1:"+port(t)
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
	serve(t, address, command.Cmd{Name: "nginx", Args: []string{"-p", work, "-c", file, "-e", "stderr"}})
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
	page, err := http.Get(public + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Body.Close() }()
	if page.StatusCode != http.StatusOK {
		t.Errorf("the page: %s", page.Status)
	}
}

// bucket starts a real S3 server with a bucket and returns its location.
func bucket(t *testing.T) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "publisher")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "publisher-secret")
	data, meta, address := t.TempDir(), t.TempDir(), "127.0.0.1:"+port(t)
	if err := os.Mkdir(filepath.Join(data, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("../../build/versitygw")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, address, command.Cmd{Name: program, Args: []string{
		"--access", "publisher", "--secret", "publisher-secret", "--port", address, "posix", "--sidecar", meta, data,
	}})
	return "s3://images/go?" + url.Values{
		"region": {"us-east-1"}, "endpoint": {"http://" + address}, "use_path_style": {"true"},
	}.Encode()
}

// TestS3 publishes to a real S3 server.
func TestS3(t *testing.T) {
	location := bucket(t)
	r, err := Open(t.Context(), location, keys(t), Options{Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var unsafe *store.UnsafeError
	if err := r.store.Probe(t.Context()); errors.As(err, &unsafe) {
		t.Logf("this server needs --single-publisher: %s", unsafe.Found)
		r.SinglePublisher = true
	} else if err != nil {
		t.Fatal(err)
	}
	first, second := small(t, "1"), small(t, "2")
	for _, images := range []string{first, second, second} {
		if _, err := r.Publish(t.Context(), Release{Directories: []string{images}, Channel: "nightly"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Promote(t.Context(), "nightly", "stable", "", false); err != nil {
		t.Fatal(err)
	}
	back, err := r.Rollback(t.Context(), Back{Channel: "nightly"})
	if err != nil {
		t.Fatal(err)
	}
	timestamp, _, err := r.store.Read(t.Context(), sign.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	view, err := trust.OpenAt(filepath.Join(t.TempDir(), "reader"), &overlay{store: r.store, timestamp: timestamp}, nil).Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if channel, err := view.Channel(t.Context(), "nightly"); err != nil || channel.Version != back.Version {
		t.Errorf("a reader sees %s, %v", channel.Version, err)
	}
	if _, err := r.store.Stat(t.Context(), "state/lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock stays: %v", err)
	}
	headers(t, location)
}

// headers looks at what every object says of itself.
func headers(t *testing.T, location string) {
	t.Helper()
	b, err := blob.OpenBucket(t.Context(), strings.Replace(location, "/go?", "?", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	objects := b.List(nil)
	for n := 0; ; n++ {
		object, err := objects.Next(t.Context())
		if errors.Is(err, io.EOF) && n > 30 {
			return
		}
		if err != nil {
			t.Fatalf("%d objects: %v", n, err)
		}
		is, err := b.Attributes(t.Context(), object.Key)
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(object.Key, "go/")
		want := "no-store"
		if strings.HasPrefix(path, "versions/") || strings.HasPrefix(path, "metadata/") && path != sign.Timestamp {
			want = "public, max-age=31536000, immutable, no-transform"
		}
		if is.CacheControl != want || is.ContentEncoding != "" || is.ContentType == "" {
			t.Errorf("%s: %q, %q, %q", path, is.CacheControl, is.ContentEncoding, is.ContentType)
		}
	}
}

// TestTwoPublishersS3: publishers without a lock on their side.
func TestTwoPublishersS3(t *testing.T) {
	location, ring := bucket(t), keys(t)
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
