package tuf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// everything makes a repository with all kinds of metadata.
func everything(t *testing.T) (repo, *Ring) {
	t.Helper()
	ring, r := newRing(t, Setup{RootKeys: 3, RootThreshold: 2}), repo{}
	publishVersion(t, r, ring, "nightly", "1")
	publishVersion(t, r, ring, "stable", "1")
	for _, name := range []string{metadata.ROOT, metadata.TARGETS, Online, "nightly"} {
		if _, err := ring.Rotate(Rotation{Name: name}, DefaultPolicy(), noon); err != nil {
			t.Fatal(err)
		}
		r.publish(t, ring, noon, nil)
	}
	return r, ring
}

// Other clients read less than the library writes when it is left alone.
func TestFilesAreForAllClients(t *testing.T) {
	r, _ := everything(t)
	for path, content := range r {
		var file struct {
			Signatures []struct{ KeyID string }
			Signed     map[string]any
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.UseNumber()
		if err := decoder.Decode(&file); err != nil {
			t.Fatal(err)
		}
		if expires := fmt.Sprint(file.Signed["expires"]); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString(expires) {
			t.Errorf("%s expires at %s", path, expires)
		}
		ids := map[string]bool{}
		for _, signature := range file.Signatures {
			if ids[signature.KeyID] {
				t.Errorf("%s is signed twice by one key", path)
			}
			ids[signature.KeyID] = true
		}
		inspect(t, path, "", file.Signed)
	}
}

// inspect looks for what clients do not agree on.
func inspect(t *testing.T, path, name string, value any) {
	t.Helper()
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err != nil || n >= 1<<53 || n < 0 {
			t.Errorf("%s: %s is %s", path, name, v)
		}
	case map[string]any:
		if name == "hashes" && !slices.Equal(slices.Collect(maps.Keys(v)), []string{"sha256"}) {
			t.Errorf("%s has the hashes %v", path, v)
		}
		if name == "meta" {
			for role, meta := range v {
				if m, ok := meta.(map[string]any); !ok || m["length"] == nil || m["hashes"] == nil || m["version"] == nil {
					t.Errorf("%s does not pin %s", path, role)
				}
			}
		}
		for key, inner := range v {
			if slices.Contains([]string{"path_hash_prefixes", "succinct_roles"}, key) {
				t.Errorf("%s has %s", path, key)
			}
			inspect(t, path, key, inner)
		}
	case []any:
		for _, inner := range v {
			inspect(t, path, name, inner)
		}
	}
}

func TestRootAndDelegations(t *testing.T) {
	r, ring := everything(t)
	state := r.load(t, ring)
	root := state.root.md.Signed
	if !root.ConsistentSnapshot || root.Version != 4 || root.Roles[metadata.ROOT].Threshold != 2 || len(root.Roles[metadata.ROOT].KeyIDs) != 3 {
		t.Errorf("%+v", root)
	}
	for _, role := range state.targets.md.Signed.Delegations.Roles {
		for path, want := range map[string]bool{
			layout.Pointer(role.Name): true, "versions/1/manifest.json": true,
			"versions/1/a/b": false, "versions/1": false, "other/channel.json": false, "metadata/1.root.json": false,
		} {
			if got, err := role.IsDelegatedPath(path); got != want || err != nil {
				t.Errorf("%s, %s: %v, %v", role.Name, path, got, err)
			}
		}
		if role.Terminating {
			t.Errorf("nobody is asked after %s", role.Name)
		}
	}
	if v := state.timestamp.md.Signed; v.Version != state.snapshot.md.Signed.Version || v.Meta["snapshot.json"].Version != v.Version {
		t.Errorf("timestamp %d, snapshot %d", v.Version, state.snapshot.md.Signed.Version)
	}
	if got := state.Metadata(); len(got) != 5 {
		t.Errorf("readers ask for %q", got)
	}
	for _, path := range state.Metadata() {
		if r[path] == nil {
			t.Errorf("there is no %s", path)
		}
	}
}

// A channel whose right was taken away stays in the snapshot, or clients
// refuse it.
func TestSnapshotForgetsNobody(t *testing.T) {
	r, ring := everything(t)
	state := r.load(t, ring)
	state.snapshot.md.Signed.Meta["former.json"] = metadata.MetaFile(3)
	_, next, err := state.Next(ring, DefaultPolicy(), noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	if next.snapshot.md.Signed.Meta["former.json"] == nil {
		t.Error("it is forgotten")
	}
}

func TestPublisherWithFewKeys(t *testing.T) {
	full, r := newRing(t, Setup{}), repo{}
	publishVersion(t, r, full, "stable", "1")
	dir := t.TempDir()
	for _, name := range []string{"nightly.key", "online.key", "metadata/1.root.json"} {
		content, err := os.ReadFile(filepath.Join(full.Dir(), name))
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	few, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	publishVersion(t, r, few, "nightly", "2")
	edits := map[string]ChannelEdit{"stable": move(layout.Channel{Channel: "stable", Sequence: 1}, "2")}
	_, _, err = r.load(t, few).Next(few, DefaultPolicy(), noon, edits)
	if missing := errorOf[*MissingKeyError](t, err); missing.Role != "stable" || missing.File != filepath.Join(dir, "stable.key") {
		t.Errorf("%+v", missing)
	}
	_, err = few.Rotate(Rotation{Name: "nightly"}, DefaultPolicy(), noon)
	wantError[*NoTargetsError](t, err)
	if err := few.Learn(r.load(t, few)); err != nil {
		t.Fatal(err)
	}
	for _, rotation := range []Rotation{{Name: "nightly"}, {Name: metadata.ROOT}, {}} {
		_, err = few.Rotate(rotation, DefaultPolicy(), noon)
		wantError[*MissingKeyError](t, err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.key")); len(files) != 2 {
		t.Errorf("a key is left over: %q", files)
	}
	rotated, err := few.Rotate(Rotation{Name: Online}, DefaultPolicy(), noon)
	if err != nil || rotated.Pending == nil || len(rotated.Pending.Signed) != 0 || rotated.Pending.Lacks[0].Count != 1 {
		t.Errorf("%+v, %v", rotated.Pending, err)
	}
}

func errorOf[E error](t *testing.T, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("%v (%T) is not %T", err, err, want)
	}
	return want
}

func TestRootThreshold(t *testing.T) {
	ring := newRing(t, Setup{RootKeys: 3, RootThreshold: 2})
	for _, name := range []string{"root.key", "root.2.key"} {
		if err := os.Remove(filepath.Join(ring.Dir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	rotated, err := ring.Rotate(Rotation{}, DefaultPolicy(), noon)
	if err != nil || rotated.Pending == nil || len(rotated.Pending.Signed) != 1 || rotated.Pending.Lacks[0].Count != 1 {
		t.Errorf("%+v, %v", rotated.Pending, err)
	}
	if _, err := CreateRing(t.TempDir()+"/keys", Setup{Channels: []string{"stable"}, RootKeys: 1, RootThreshold: 2}, DefaultPolicy(), noon); err == nil {
		t.Error("2 of 1 keys can sign")
	}
}

func TestEditsAreRefused(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	state := publishVersion(t, r, ring, "nightly", "1")
	current, _, err := state.Channel("nightly")
	if err != nil {
		t.Fatal(err)
	}
	good := move(current, "2")
	for name, edit := range map[string]func(*ChannelEdit){
		"sequence":  func(e *ChannelEdit) { e.State.Sequence = 1 },
		"channel":   func(e *ChannelEdit) { e.State.Channel = "stable" },
		"pointer":   func(e *ChannelEdit) { e.Targets[layout.Pointer("stable")] = e.State.Manifest },
		"metadata":  func(e *ChannelEdit) { e.Targets["metadata/1.root.json"] = e.State.Manifest },
		"no digest": func(e *ChannelEdit) { e.Targets["versions/2/x"] = layout.Reference{Size: 1} },
	} {
		bad := good
		bad.Targets = maps.Clone(good.Targets)
		edit(&bad)
		if _, _, err := state.Next(ring, DefaultPolicy(), noon, map[string]ChannelEdit{"nightly": bad}); err == nil {
			t.Errorf("%s: it is signed", name)
		}
	}
	_, _, err = state.Next(ring, DefaultPolicy(), noon, map[string]ChannelEdit{"weekly": good})
	wantError[*UnknownChannelError](t, err)
}

// place writes files as a publisher does that dies before the timestamp, and
// returns how often it had to give up a name.
func (r repo) place(t *testing.T, ring *Ring, state State, now time.Time, edit ChannelEdit) (tries int, timestamp File) {
	t.Helper()
	for {
		files, _, err := state.Next(ring, DefaultPolicy(), now, map[string]ChannelEdit{"nightly": edit})
		if err != nil {
			t.Fatal(err)
		}
		last := len(files) - 1
		taken := slices.IndexFunc(files[:last], func(f File) bool { return r[f.Path] != nil })
		if taken < 0 {
			r.write(t, files[:last])
			return tries, files[last]
		}
		state, tries = state.Taken(files[taken].Path), tries+1
	}
}

// What dead publishers left behind is stepped over, and an expired repository
// comes back to life.
func TestLeftovers(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	publishVersion(t, r, ring, "nightly", "1")
	later := noon.AddDate(2, 0, 0)
	edit := move(layout.Channel{Channel: "nightly", Sequence: 1}, "2")
	for range 30 {
		later = later.Add(time.Hour)
		if tries, _ := r.place(t, ring, r.load(t, ring), later, edit); tries > 16 {
			t.Fatalf("%d tries", tries)
		}
	}
	_, timestamp := r.place(t, ring, r.load(t, ring), later.Add(time.Hour), edit)
	r.write(t, []File{timestamp})
	state := r.load(t, ring)
	if c, _, err := state.Channel("nightly"); err != nil || c.Version != "2" {
		t.Errorf("%q, %v", c.Version, err)
	}
	if got := state.Due(DefaultPolicy(), later); len(got) != 2 || got[0].Role != metadata.ROOT || got[1].Role != metadata.TARGETS {
		t.Errorf("due: %v", got)
	}
}

// A new online key whose predecessor is lost: the root has to come first, and
// the publisher may die after it.
func TestLostOnlineKey(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	publishVersion(t, r, ring, "nightly", "1")
	if _, err := ring.Rotate(Rotation{Name: Online}, DefaultPolicy(), noon); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(ring.Dir(), retiredDir, "online.key")); err != nil {
		t.Fatal(err)
	}
	files, _, err := r.load(t, ring).Next(ring, DefaultPolicy(), noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	if files[0].Path != "metadata/2.root.json" || files[len(files)-1].Path != Timestamp {
		t.Fatalf("%s comes first and %s last", files[0].Path, files[len(files)-1].Path)
	}
	r.write(t, files[:1])
	publishVersion(t, r, ring, "nightly", "2")
}

// Two people replace a key, and only one of them publishes it.
func TestTwoRotations(t *testing.T) {
	for _, name := range []string{Online, "nightly"} {
		ours, r := newRing(t, Setup{}), repo{}
		publishVersion(t, r, ours, "nightly", "1")
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(ours.Dir())); err != nil {
			t.Fatal(err)
		}
		theirs, err := OpenRing(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, ring := range []*Ring{ours, theirs} {
			if _, err := ring.Rotate(Rotation{Name: name}, DefaultPolicy(), noon); err != nil {
				t.Fatal(err)
			}
		}
		r.publish(t, ours, noon, nil)
		_, _, err = r.load(t, theirs).Next(theirs, DefaultPolicy(), noon, nil)
		wantError[*ConflictError](t, err)
	}
}

func TestAnotherRepository(t *testing.T) {
	ours, theirs, r := newRing(t, Setup{}), newRing(t, Setup{}), repo{}
	publishVersion(t, r, theirs, "nightly", "1")
	_, err := Load(t.Context(), ours, r.fetch)
	wantError[*ConflictError](t, err)
}

func TestCreateRing(t *testing.T) {
	ring := newRing(t, Setup{})
	if _, err := CreateRing(ring.Dir(), Setup{Channels: []string{"stable"}}, DefaultPolicy(), noon); err == nil {
		t.Error("keys were replaced")
	} else {
		wantError[*ExistsError](t, err)
	}
	keys, err := filepath.Glob(filepath.Join(ring.Dir(), "*.key"))
	if err != nil || len(keys) != 6 {
		t.Errorf("%q, %v", keys, err)
	}
	for _, key := range keys {
		if info, err := os.Stat(key); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", key, info.Mode(), err)
		}
	}
	if info, err := os.Stat(ring.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, channels := range [][]string{{}, {"Stable"}, {"a", "a"}, {"online"}, {"../x"}, {"root"}} {
		dir := t.TempDir() + "/keys"
		if _, err := CreateRing(dir, Setup{Channels: channels}, DefaultPolicy(), noon); err == nil {
			t.Errorf("%q are channels", channels)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", channels, err)
		}
	}
}

func TestPassword(t *testing.T) {
	t.Setenv(PasswordVariable, "right")
	file := filepath.Join(t.TempDir(), "online.key")
	made, err := generateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := loadKey(file); err != nil || read.id != made.id {
		t.Errorf("%q, %v", read.id, err)
	}
	for _, password := range []string{"wrong", ""} {
		t.Setenv(PasswordVariable, password)
		_, err := loadKey(file)
		if e := errorOf[*PasswordError](t, err); e.File != file {
			t.Errorf("%+v", e)
		}
	}
}

func TestMinisign(t *testing.T) {
	ring := newRing(t, Setup{})
	signature, err := ring.Minisign([]byte("sums"), "amigo 1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := ring.MinisignPublic()
	if err != nil {
		t.Fatal(err)
	}
	var public minisign.PublicKey
	if err := public.UnmarshalText(bytes.TrimSpace(text)); err != nil {
		t.Fatal(err)
	}
	message := minisign.NewReader(strings.NewReader("sums"))
	if _, err := new(bytes.Buffer).ReadFrom(message); err != nil || !message.Verify(public, signature) {
		t.Errorf("it does not verify, %v", err)
	}
	var parsed minisign.Signature
	if err := parsed.UnmarshalText(signature); err != nil || parsed.Algorithm != minisign.HashEdDSA || parsed.TrustedComment != "amigo 1" {
		t.Errorf("%+v, %v", parsed, err)
	}
	if err := os.Remove(filepath.Join(ring.Dir(), "minisign.key")); err != nil {
		t.Fatal(err)
	}
	_, err = ring.Minisign([]byte("sums"), "")
	wantError[*MissingKeyError](t, err)
}

func TestCheckMinisign(t *testing.T) {
	if err := newRing(t, Setup{}).CheckMinisign(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{minisignKey, minisignPublic} {
		ring := newRing(t, Setup{})
		file := filepath.Join(ring.Dir(), name)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if missing := errorOf[*MissingKeyError](t, ring.CheckMinisign()); missing.File != file {
			t.Errorf("%s: %v", name, missing)
		}
	}
}

// A channel that expires soon is signed again by whoever has its key.
func TestRefresh(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	publishVersion(t, r, ring, "nightly", "1")
	for after, want := range map[time.Duration]int64{8 * day: 2, 10 * day: 3} {
		_, next, err := r.load(t, ring).Next(ring, DefaultPolicy(), noon.Add(after), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := versionOf(next.channels["nightly"]); got != want {
			t.Errorf("after %s: nightly %d, want %d", after, got, want)
		}
		if c, _, err := next.Channel("nightly"); err != nil || c.Version != "1" {
			t.Errorf("after %s: %q, %v", after, c.Version, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("metadata/1.root.json", "{}")
	f.Add("metadata/1.targets.json", `{"signed":{"_type":"targets","targets":{"x":null}},"signatures":[]}`)
	f.Add(Timestamp, `{"signed":{"_type":"timestamp","meta":null},"signatures":null}`)
	f.Fuzz(func(_ *testing.T, path, content string) {
		for _, read := range []func([]byte) error{
			func(raw []byte) error { _, err := parse[metadata.RootType](raw); return err },
			func(raw []byte) error { _, err := parse[metadata.TargetsType](raw); return err },
			func(raw []byte) error { _, err := parse[metadata.SnapshotType](raw); return err },
			func(raw []byte) error { _, err := parse[metadata.TimestampType](raw); return err },
		} {
			_ = read([]byte(content))
		}
		State{}.Taken(path)
	})
}

func wantError[E error](t *testing.T, err error) {
	t.Helper()
	_ = errorOf[E](t, err)
}
