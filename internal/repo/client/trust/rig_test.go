package trust

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rig is a repository in memory, its publisher, and a reader's directory.
type rig struct {
	origin.Origin

	t      testing.TB
	ring   *tuf.Ring
	policy tuf.Policy
	dir    string // of the reader
	now    time.Time
	mutex  sync.Mutex
	files  map[string][]byte
	asked  []string
	// answer replaces what the repository says of a path, if it is not nil.
	answer func(path string) ([]byte, error)
}

// keys are made once; every rig has a copy.
var keys = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keys-*")
	if err == nil {
		_, err = newRing(dir, tuf.DefaultPolicy())
	}
	return dir, err
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, err := keys(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

func newRing(dir string, policy tuf.Policy) (*tuf.Ring, error) {
	setup := tuf.Setup{Channels: []string{"stable", "nightly"}, RootKeys: 2, RootThreshold: 2}
	return tuf.CreateRing(dir, setup, policy, noon)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	made, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	ring, err := tuf.OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	return newRigWith(t, ring, tuf.DefaultPolicy())
}

func newRigWith(t testing.TB, ring *tuf.Ring, policy tuf.Policy) *rig {
	t.Helper()
	r := &rig{t: t, ring: ring, policy: policy, dir: t.TempDir(), now: noon, files: map[string][]byte{}}
	r.publish("nightly", "1")
	r.publish("stable", "1")
	return r
}

func (r *rig) URL(path string) string {
	return strings.TrimSuffix("https://images.example.org/"+path, "/")
}

func (r *rig) Fetch(_ context.Context, path string, limit int64) ([]byte, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked = append(r.asked, path)
	content, ok := r.files[path]
	err := fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	if ok {
		err = nil
	}
	if r.answer != nil {
		if other, e := r.answer(path); other != nil || e != nil {
			content, err = other, e
		}
	}
	if err == nil && int64(len(content)) > limit {
		err = &origin.SizeError{URL: r.URL(path), Got: -1, Want: limit}
	}
	return content, err
}

// state returns what the publisher knows.
func (r *rig) state() tuf.State {
	r.t.Helper()
	state, err := tuf.Load(r.t.Context(), r.ring, r.Fetch)
	if err != nil {
		r.t.Fatal(err)
	}
	r.asked = nil
	return state
}

// next returns the files of the next state, in the order of writing.
func (r *rig) next(edits map[string]tuf.ChannelEdit) []tuf.File {
	r.t.Helper()
	files, _, err := r.state().Next(r.ring, r.policy, r.now, edits)
	if err != nil {
		r.t.Fatal(err)
	}
	return files
}

func (r *rig) write(files []tuf.File) {
	for _, file := range files {
		r.files[file.Path] = file.Content
	}
}

func (r *rig) refresh() { r.write(r.next(nil)) }

func (r *rig) publish(channel, version string) {
	r.t.Helper()
	c, _, err := r.state().Channel(channel)
	if err != nil {
		r.t.Fatal(err)
	}
	c.Channel = channel
	r.write(r.next(map[string]tuf.ChannelEdit{channel: moved(c, version)}))
}

func moved(c layout.Channel, version string) tuf.ChannelEdit {
	reference := layout.Reference{Size: 10, SHA256: strings.Repeat("ab", 32)}
	return tuf.ChannelEdit{
		State:   c.Moved(layout.Move{Action: layout.Published, Version: version, Manifest: reference, At: noon}),
		Targets: map[string]layout.Reference{layout.Version(version, layout.ManifestFile): reference},
	}
}

func (r *rig) rotate(rotation tuf.Rotation) {
	r.t.Helper()
	if _, err := r.ring.Rotate(rotation, r.policy, r.now); err != nil {
		r.t.Fatal(err)
	}
}

// reader returns a client with the rig's directory.
func (r *rig) reader() *Client { return r.readerAt(r.dir) }

func (r *rig) readerAt(dir string) *Client {
	client := OpenAt(dir, r, nil)
	client.Now = func() time.Time { return r.now }
	return client
}

func (r *rig) look() (*View, error) {
	r.asked = nil
	return r.reader().Refresh(r.t.Context())
}

func (r *rig) mustLook() *View {
	r.t.Helper()
	view, err := r.look()
	if err != nil {
		r.t.Fatal(err)
	}
	return view
}

// version returns the version in a channel, for a reader with the rig's
// directory.
func (r *rig) version(channel string) (string, error) {
	view, err := r.look()
	if err != nil {
		return "", err
	}
	c, err := view.Channel(r.t.Context(), channel)
	return c.Version, err
}

func (r *rig) wantVersion(channel, want string) {
	r.t.Helper()
	if got, err := r.version(channel); got != want || err != nil {
		r.t.Errorf("%s is %q, %v; want %q", channel, got, err, want)
	}
}

// backup returns what the repository has, to be put back later.
func (r *rig) backup() map[string][]byte { return maps.Clone(r.files) }

// forget removes what the reader has but for what it has seen.
func (r *rig) forget() {
	r.t.Helper()
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != seenFile {
			if err := os.RemoveAll(filepath.Join(r.dir, entry.Name())); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// forgery is what somebody does who has stolen keys.
type forgery struct {
	nightly   func(*metadata.TargetsType)
	nightlyBy string // key instead of nightly's
	snapshot  func(*metadata.SnapshotType)
	timestamp func(*metadata.TimestampType)
}

// forge publishes a state of all roles that the publisher would never make.
func (r *rig) forge(f forgery) {
	r.t.Helper()
	timestamp := parse[metadata.TimestampType](r.t, r.files[timestampPath])
	at := timestamp.Signed.Meta["snapshot.json"].Version
	snapshot := parse[metadata.SnapshotType](r.t, r.files[fmt.Sprintf("metadata/%d.snapshot.json", at)])
	if f.nightly != nil {
		r.forgeNightly(f, snapshot)
	}
	snapshot.Signed.Version++
	if f.snapshot != nil {
		f.snapshot(&snapshot.Signed)
	}
	raw := resign(r.t, snapshot, r.key("online"))
	r.files[fmt.Sprintf("metadata/%d.snapshot.json", snapshot.Signed.Version)] = raw
	timestamp.Signed.Version++
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(snapshot.Signed.Version)
	if f.timestamp != nil {
		f.timestamp(&timestamp.Signed)
	}
	r.files[timestampPath] = resign(r.t, timestamp, r.key("online"))
}

func (r *rig) forgeNightly(f forgery, snapshot *metadata.Metadata[metadata.SnapshotType]) {
	at := snapshot.Signed.Meta["nightly.json"].Version
	nightly := parse[metadata.TargetsType](r.t, r.files[fmt.Sprintf("metadata/%d.nightly.json", at)])
	nightly.Signed.Version++
	f.nightly(&nightly.Signed)
	by := "nightly"
	if f.nightlyBy != "" {
		by = f.nightlyBy
	}
	r.files[fmt.Sprintf("metadata/%d.nightly.json", nightly.Signed.Version)] = resign(r.t, nightly, r.key(by))
	snapshot.Signed.Meta["nightly.json"] = metadata.MetaFile(nightly.Signed.Version)
}

func (r *rig) key(name string) string { return filepath.Join(r.ring.Dir(), name+".key") }

func parse[T metadata.Roles](t testing.TB, raw []byte) *metadata.Metadata[T] {
	t.Helper()
	md, err := new(metadata.Metadata[T]).FromBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// resign signs metadata with the keys in files.
func resign[T metadata.Roles](t testing.TB, md *metadata.Metadata[T], files ...string) []byte {
	t.Helper()
	md.ClearSignatures()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		private, err := cryptoutils.UnmarshalPEMToPrivateKey(content, nil)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := signature.LoadSigner(private, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := md.Sign(signer); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := md.ToBytes(false)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// errorOf returns the error of a kind that err must be.
func errorOf[E error](t testing.TB, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("%v (%T) is not %T", err, err, want)
	}
	return want
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

func wantError[E error](t testing.TB, err error) {
	t.Helper()
	_ = errorOf[E](t, err)
}
