package repository

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// makeImage makes the directory of an image with a disk of so many KiB that
// the seed decides.
func makeImage(t testing.TB, dir, variant, seed string, kib int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, kib<<10)
	key := sha256.Sum256([]byte(seed + variant))
	_, _ = rand.NewChaCha8(key).Read(content)
	raw, disk := filepath.Join(dir, "disk.raw"), filepath.Join(dir, "amigo-"+variant+".qcow2")
	if err := errors.Join(os.WriteFile(raw, content, 0o644), os.Truncate(raw, 64<<20)); err != nil {
		t.Fatal(err)
	}
	convert := command.Cmd{Name: "qemu-img", Args: []string{"convert", "-q", "-c", "-f", "raw", "-O", "qcow2", raw, disk}}
	if err := errors.Join(command.Run(context.Background(), convert), os.Remove(raw)); err != nil {
		t.Fatal(err)
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	id := func(seed string) string { return manifest.Digest([]byte(seed))[:40] }
	list := []byte(manifest.FormatCommits([]manifest.Commit{{ID: id(seed), Date: "2026-11-19", Parents: []string{id("1")}, Subject: "change <" + seed + ">"}}))
	if err := os.WriteFile(filepath.Join(dir, manifest.CommitsName), list, 0o644); err != nil {
		t.Fatal(err)
	}
	facts := manifest.Manifest{
		Name: "amigo-" + variant, Variant: variant, Version: "2.5.17", Created: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		Files: []manifest.File{
			{Name: filepath.Base(disk), Role: manifest.Disk, Format: "qcow2", Size: size, VirtualSize: 64 << 20, SHA256: digest},
			{Name: manifest.CommitsName, Role: manifest.CommitList, Size: int64(len(list)), SHA256: manifest.Digest(list)},
		},
		AmiGO:  manifest.AmiGO{Version: "2.5.17", Commit: id(seed), Serve: "workers"},
		System: manifest.System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1"},
		Tool:   manifest.Tool{Name: "amigo-image", Version: "0"},
	}
	packages := []manifest.Package{{Name: "perl", Version: "5.36." + seed, Architecture: "amd64"}}
	if _, err := manifest.Write(dir, facts, packages); err != nil {
		t.Fatal(err)
	}
}

// outputs makes a directory with both variants.
func outputs(t testing.TB, seed string) string {
	t.Helper()
	dir := t.TempDir()
	makeImage(t, filepath.Join(dir, "distribution"), "distribution", seed, 700)
	makeImage(t, filepath.Join(dir, "production"), "production", seed, 500)
	return dir
}

// small makes the directory of one small image.
func small(t testing.TB, seed string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "production")
	makeImage(t, dir, "production", seed, 200)
	return dir
}

func keys(t testing.TB) *tuf.Ring {
	t.Helper()
	return keysAt(t, time.Now())
}

func keysAt(t testing.TB, now time.Time) *tuf.Ring {
	t.Helper()
	ring, err := tuf.CreateRing(filepath.Join(t.TempDir(), "keys"), tuf.Setup{Channels: []string{"stable", "nightly"}}, tuf.DefaultPolicy(), now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// bench is a repository in a directory, and a clock.
type bench struct {
	*Repository
	t   testing.TB
	dir string
	now time.Time
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)}
	var err error
	b.Repository, err = Open(t.Context(), b.dir, keysAt(t, b.now), Options{By: "me@example.org", Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *bench) publish(dir, channel string) Published {
	b.t.Helper()
	done, err := b.Publish(b.t.Context(), Release{Directories: []string{dir}, Channel: channel})
	if err != nil {
		b.t.Fatal(err)
	}
	return done
}

func (b *bench) days(n int) { b.now = b.now.AddDate(0, 0, n) }

// at tells where the channels are, as a reader sees it.
func (b *bench) at() string {
	b.t.Helper()
	now, err := b.load(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, name := range now.Channels() {
		channel, _, err := now.Channel(name)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, name+"="+channel.Version)
	}
	return strings.Join(all, " ")
}

// says checks that a file of the repository holds a text.
func (b *bench) says(file, want string) {
	b.t.Helper()
	if content, err := os.ReadFile(filepath.Join(b.dir, file)); err != nil || !strings.Contains(string(content), want) {
		b.t.Errorf("%s: no %s in\n%s (%v)", file, want, content, err)
	}
}

// tree returns the sizes and times of all files below a directory.
func (b *bench) tree(below string) map[string]string {
	b.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(b.dir, below), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[path[len(b.dir)+1:]] = info.ModTime().String()
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return files
}

func TestPublish(t *testing.T) {
	b := newBench(t)
	first := outputs(t, "1")
	done := b.publish(first, "nightly")
	if done.Version != "2026-11-22" || done.Unchanged || done.Reused != 0 || done.Files < 10 {
		t.Errorf("%+v", done)
	}
	want := []string{
		"SHA256SUMS", "SHA256SUMS.minisig",
		"amigo-2026-11-22-distribution.chunks", "amigo-2026-11-22-distribution.commits.txt", "amigo-2026-11-22-distribution.manifest.json", "amigo-2026-11-22-distribution.packages.txt",
		"amigo-2026-11-22-distribution.qcow2", "amigo-2026-11-22-distribution.raw.zst",
		"amigo-2026-11-22-production.chunks", "amigo-2026-11-22-production.commits.txt", "amigo-2026-11-22-production.manifest.json", "amigo-2026-11-22-production.packages.txt",
		"amigo-2026-11-22-production.qcow2", "amigo-2026-11-22-production.raw.zst",
		"manifest.json",
	}
	var names []string
	for _, file := range slices.Sorted(maps.Keys(b.tree("versions"))) {
		names = append(names, path.Base(file))
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	before := b.tree("versions")
	if again := b.publish(first, "nightly"); !again.Unchanged {
		t.Errorf("the same again: %+v", again)
	}
	second := b.publish(outputs(t, "2"), "nightly")
	if second.Version != "2026-11-22.2" || second.Previous != "2026-11-22" || second.Changes == "" {
		t.Errorf("another one on that day: %+v", second)
	}
	b.says("versions/2026-11-22.2/changes.json", `"subject": "change <2>"`)
	b.says("versions/2026-11-22.2/manifest.json", `"updates": {
        "2026-11-22": `)
	b.says("nightly/index.html", "2026-11-19 change &lt;2&gt;</li>")
	if back := b.publish(first, "stable"); back.Version != "2026-11-22" {
		t.Errorf("images that are there already: %+v", back)
	}
	for file, was := range before {
		if is := b.tree("versions")[file]; is != was {
			t.Errorf("%s was written again", file)
		}
	}
	if at := b.at(); at != "stable=2026-11-22 nightly=2026-11-22.2" {
		t.Error(at)
	}
	b.plainTools("2026-11-22")
}

// plainTools verifies a version as people without our program do.
func (b *bench) plainTools(version string) {
	b.t.Helper()
	for _, tool := range []command.Cmd{
		{Name: "sha256sum", Args: []string{"--check", "--strict", "--quiet", "SHA256SUMS"}},
		{Name: "minisign", Args: []string{"-VHm", "SHA256SUMS", "-p", "../../minisign.pub"}},
		{Name: "zstd", Args: []string{"-dqt", "amigo-" + version + "-production.raw.zst"}},
	} {
		tool.Dir = filepath.Join(b.dir, "versions", version)
		if err := command.Run(b.t.Context(), tool); err != nil {
			b.t.Error(err)
		}
	}
}

func TestPromoteAndRollback(t *testing.T) {
	b := newBench(t)
	for i, seed := range []string{"1", "2", "3"} {
		b.publish(small(t, seed), "nightly")
		if i != 1 {
			if _, err := b.Promote(t.Context(), Promotion{From: "nightly", Channel: "stable"}); err != nil {
				t.Fatal(err)
			}
		}
		b.days(1)
	}
	images := b.tree("versions")
	for _, step := range []struct {
		do   func() (Moved, error)
		want string
	}{
		{func() (Moved, error) {
			return b.Rollback(t.Context(), Back{Channel: "nightly", Reason: "broken", Revoke: true})
		}, "stable=2026-11-24 nightly=2026-11-23"},
		{func() (Moved, error) {
			return b.Rollback(t.Context(), Back{Channel: "nightly", Reason: "still", Revoke: true})
		}, "stable=2026-11-24 nightly=2026-11-22"},
		{func() (Moved, error) {
			return b.Promote(t.Context(), Promotion{From: "2026-11-24", Channel: "nightly", Reason: "mended", Reinstate: true})
		}, "stable=2026-11-24 nightly=2026-11-24"},
		{func() (Moved, error) { return b.Rollback(t.Context(), Back{Channel: "stable", Version: "2026-11-22"}) }, "stable=2026-11-22 nightly=2026-11-24"},
		{func() (Moved, error) {
			return b.Promote(t.Context(), Promotion{From: "nightly", Channel: "stable", DryRun: true})
		}, "stable=2026-11-22 nightly=2026-11-24"},
	} {
		done, err := step.do()
		if at := b.at(); err != nil || at != step.want {
			t.Errorf("%+v: %v; it is %s, not %s", done, err, at, step.want)
		}
	}
	if diff := cmp.Diff(images, b.tree("versions")); diff != "" {
		t.Errorf("images were touched:\n%s", diff)
	}
	channel, err := b.History(t.Context(), "nightly")
	if err != nil || len(channel.History) != 6 || channel.History[1].Reason != "still" || channel.History[1].By != "me@example.org" || channel.Sequence != 6 {
		t.Errorf("%v: %+v", err, channel)
	}
	if diff := cmp.Diff(map[string]string{"2026-11-23": "still"}, channel.Revoked); diff != "" {
		t.Errorf("revoked (-want +got):\n%s", diff)
	}
	var none *NoEarlierError
	if _, err := b.Rollback(t.Context(), Back{Channel: "stable"}); !errors.As(err, &none) {
		t.Errorf("nothing to go back to: %v", err)
	}
	var missing *NotFoundError
	if _, err := b.Promote(t.Context(), Promotion{From: "nightli", Channel: "stable"}); !errors.As(err, &missing) {
		t.Errorf("a channel that is not there: %v", err)
	}
}

// TestRevoked: no channel moves to a revoked version by itself, until it is reinstated.
func TestRevoked(t *testing.T) {
	b := newBench(t)
	for _, seed := range []string{"1", "2", "3"} {
		b.publish(small(t, seed), "nightly")
		b.days(1)
	}
	must := func(_ Moved, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Promote(t.Context(), Promotion{From: "2026-11-22", Channel: "stable"}))
	must(b.Promote(t.Context(), Promotion{From: "2026-11-23", Channel: "stable"}))
	must(b.Promote(t.Context(), Promotion{From: "2026-11-24", Channel: "stable"}))
	must(b.Rollback(t.Context(), Back{Channel: "stable", Version: "2026-11-23"}))
	must(b.Promote(t.Context(), Promotion{From: "2026-11-24", Channel: "stable"}))
	must(b.Rollback(t.Context(), Back{Channel: "stable", Version: "2026-11-22", Revoke: true, Reason: "no search"}))
	must(b.Rollback(t.Context(), Back{Channel: "nightly", Version: "2026-11-23"}))
	want := &RevokedError{Version: "2026-11-24", Channel: "stable", Reason: "no search"}
	for _, move := range []func() (Moved, error){
		func() (Moved, error) {
			return b.Promote(t.Context(), Promotion{From: "2026-11-24", Channel: "nightly"})
		},
		func() (Moved, error) {
			return b.Rollback(t.Context(), Back{Channel: "stable", Version: "2026-11-24", DryRun: true})
		},
	} {
		_, err := move()
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	channel := layout.Channel{Channel: "c", Revoked: map[string]string{"B": "bad"}}
	for _, version := range []string{"A", "B", "C"} {
		channel = channel.Moved(layout.Move{Action: layout.Published, Version: version})
	}
	if diff := cmp.Diff([]string{"A"}, behind(channel)); diff != "" {
		t.Errorf("a rollback leads to (-want +got):\n%s", diff)
	}
}

// listener keeps warnings.
type listener []string

func (l *listener) Emit(e event.Event) {
	if e.Type == event.Warning {
		*l = append(*l, e.Text)
	}
}

// TestFewerImages: whoever has an image that the next version lacks is not forgotten in
// silence.
func TestFewerImages(t *testing.T) {
	b := newBench(t)
	b.publish(outputs(t, "1"), "nightly")
	var warnings listener
	b.Sink = &warnings
	b.days(1)
	b.publish(small(t, "2"), "nightly")
	want := "2026-11-22 has a distribution image, and the new version has none: whoever uses it finds no update in nightly"
	if !slices.Contains(warnings, want) {
		t.Errorf("%q is not in %q", want, warnings)
	}
}

func TestTrail(t *testing.T) {
	for history, want := range map[string]string{
		"":                  "",
		"pA":                "",
		"pA pB pC":          "B A",
		"pA pB pC rB":       "A",
		"pA pB rA pC":       "A",
		"pA pB pA":          "B",
		"pA pB pC rA":       "",
		"pA pB rX":          "B A",
		"pA pB pC rB pC":    "B A",
		"pA pB pC rB rA pD": "A",
	} {
		c := layout.Channel{Channel: "c"}
		for _, word := range strings.Fields(history) {
			action := map[byte]layout.Action{'p': layout.Published, 'r': layout.RolledBack}[word[0]]
			c = c.Moved(layout.Move{Action: action, Version: word[1:]})
		}
		if got := strings.Join(visited(c), " "); got != want {
			t.Errorf("%s: behind it lie %q, not %q", history, got, want)
		}
	}
}

func TestPrune(t *testing.T) {
	b := newBench(t)
	for i := range 6 {
		b.publish(small(t, string(rune('a'+i))), "nightly")
		if i == 0 {
			if _, err := b.Promote(t.Context(), Promotion{From: "nightly", Channel: "stable"}); err != nil {
				t.Fatal(err)
			}
		}
		b.days(1)
	}
	rules := Rules{Policy: keep.Policy{Last: 1}, History: keep.Span{Days: 3}, DryRun: true}
	all := b.tree("")
	dry, err := b.Prune(t.Context(), rules)
	if diff := cmp.Diff(all, b.tree("")); err != nil || len(dry.Withdrawn) != 2 || diff != "" {
		t.Fatalf("%v: %+v\n%s", err, dry, diff)
	}
	rules.DryRun = false
	first, err := b.Prune(t.Context(), rules)
	if err != nil || len(first.Withdrawn) != 2 || len(first.Removed) != 0 || len(first.Waiting) != 2 {
		t.Fatalf("%v: %+v", err, first)
	}
	reasons := map[string]string{}
	for _, d := range first.Decisions {
		reasons[d.Version] = strings.Join(d.Reasons, ", ")
	}
	want := map[string]string{
		"2026-11-27": "named by nightly, last 1 of 1",
		"2026-11-26": "nightly would go back to it, in nightly's history until 2026-11-30",
		"2026-11-25": "in nightly's history until 2026-11-29",
		"2026-11-24": "no rule keeps it",
		"2026-11-23": "no rule keeps it",
		"2026-11-22": "named by stable",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "versions/2026-11-23/manifest.json")); err != nil {
		t.Errorf("files went in the first step: %v", err)
	}
	if _, err := b.Promote(t.Context(), Promotion{From: "2026-11-23", Channel: "stable"}); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("a withdrawn version: %v", err)
	}
	b.days(7)
	second, err := b.Prune(t.Context(), Rules{Policy: keep.Policy{Last: 9}})
	if diff := cmp.Diff([]string{"2026-11-23", "2026-11-24"}, second.Removed); err != nil || diff != "" {
		t.Fatalf("%v: %+v", err, second)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "versions/2026-11-23")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("files stay: %v", err)
	}
	if at := b.at(); at != "stable=2026-11-22 nightly=2026-11-27" {
		t.Error(at)
	}
	if done := b.publish(small(t, "b"), "nightly"); done.Version != "2026-12-05" {
		t.Errorf("images that were withdrawn: %+v", done)
	}
}

func TestRefresh(t *testing.T) {
	b := newBench(t)
	b.publish(small(t, "1"), "nightly")
	b.days(4)
	done, err := b.Announce(t.Context(), layout.Night{At: b.now, Result: "no change"})
	if err != nil || done.Snapshot != 2 || !done.Expires.After(b.now.AddDate(0, 0, 4)) {
		t.Errorf("%v: %+v", err, done)
	}
	if warnings := done.Warnings(); len(warnings) != 1 || !strings.HasPrefix(warnings[0], "before this refresh the timestamp was good until") {
		t.Errorf("%q", warnings)
	}
	for _, test := range []struct {
		days int
		want []string
	}{{1, nil}, {179, []string{"root is good until", "targets is good until", "before this refresh"}}} {
		b.days(test.days)
		done, err := b.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(done.Warnings(), test.want, strings.HasPrefix) {
			t.Errorf("after %d days: %q", test.days, done.Warnings())
		}
	}
	content, err := os.ReadFile(filepath.Join(b.dir, layout.ChannelsFile))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := layout.DecodeCatalog(content); err != nil || len(c.Nights) != 1 || len(c.Versions) != 1 {
		t.Errorf("%v: %+v", err, c)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	good := small(t, "1")
	publish := func(dir, channel, version string) error {
		_, err := b.Publish(t.Context(), Release{Directories: []string{dir}, Channel: channel, Version: version})
		return err
	}
	if err := publish(t.TempDir(), "nightly", ""); !errors.As(err, new(*NoImagesError)) {
		t.Errorf("no images: %v", err)
	}
	bad := small(t, "2")
	disk := filepath.Join(bad, "amigo-production.qcow2")
	if err := os.Truncate(disk, 5000); err != nil {
		t.Fatal(err)
	}
	if err := publish(bad, "nightly", ""); !errors.As(err, new(*DamagedError)) {
		t.Errorf("a short disk: %v", err)
	}
	if err := publish(good, "testing", ""); !errors.As(err, new(*tuf.UnknownChannelError)) {
		t.Errorf("a channel without a key: %v", err)
	}
	if err := publish(good, "nightly", "../1"); err == nil {
		t.Error("a version that is a path was taken")
	}
	b.publish(good, "nightly")
	if err := publish(small(t, "3"), "nightly", "2026-11-22"); !errors.As(err, new(*VersionTakenError)) {
		t.Errorf("a version that is taken: %v", err)
	}
	before := b.tree("versions")
	for _, key := range []string{"minisign.pub", "minisign.key", "stable.key"} {
		if err := os.Remove(filepath.Join(b.ring.Dir(), key)); err != nil {
			t.Fatal(err)
		}
		var missing *tuf.MissingKeyError
		if err := publish(small(t, "4"), "stable", ""); !errors.As(err, &missing) || filepath.Base(missing.File) != key {
			t.Errorf("%s is not here: %v", key, err)
		}
	}
	if !maps.Equal(b.tree("versions"), before) {
		t.Error("files were uploaded before a key was missed")
	}
	if _, err := Open(t.Context(), filepath.Join(b.dir, "nowhere"), b.ring, Options{Existing: true}); !errors.As(err, new(*MissingError)) {
		t.Errorf("no repository: %v", err)
	}
	stranger, err := Open(t.Context(), b.dir, keys(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if _, err := stranger.Refresh(t.Context()); !errors.As(err, new(*tuf.ConflictError)) {
		t.Errorf("somebody else's repository: %v", err)
	}
}

func TestForeignPlace(t *testing.T) {
	b := newBench(t)
	page := filepath.Join(b.dir, layout.PageFile)
	if err := os.WriteFile(page, []byte("my home page"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := b.Publish(t.Context(), Release{Directories: []string{small(t, "1")}, Channel: "nightly"})
	if !errors.As(err, new(*ForeignError)) {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(page); err != nil || string(content) != "my home page" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestLocked(t *testing.T) {
	b := newBench(t)
	_, unlock, err := b.store.Lock(t.Context(), "other@example.org, publish", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	var locked *store.LockedError
	if _, err := b.Refresh(t.Context()); !errors.As(err, &locked) || locked.Owner.By != "other@example.org, publish" {
		t.Errorf("got %v", err)
	}
}
