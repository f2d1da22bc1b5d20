package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

func TestFirstLook(t *testing.T) {
	r := newRig(t)
	view := r.mustLook()
	if root := view.Root(); !root.PinnedNow || root.Version != 1 || root.Anchor != 1 || !root.Pinned.Equal(noon) || len(root.SHA256) != 64 {
		t.Errorf("root: %+v", root)
	}
	if got := view.Channels(); !slices.Equal(got, []string{"stable", "nightly"}) {
		t.Errorf("channels: %v", got)
	}
	path := layout.Version("1", layout.ManifestFile)
	target, err := view.Target(t.Context(), path)
	if err != nil || target.Length != 10 || target.Hashes["sha256"].String() != strings.Repeat("ab", 32) {
		t.Errorf("target: %+v, %v", target, err)
	}
	file := layout.Reference{Size: 10, SHA256: strings.Repeat("ab", 32)}
	files, err := view.Files(t.Context(), "stable")
	if err != nil || !maps.Equal(files, map[string]layout.Reference{path: file}) {
		t.Errorf("files: %v, %v", files, err)
	}
	if !view.Expires().Equal(noon.Add(5*24*time.Hour)) || view.Version() != 2 || len(view.Damaged()) > 0 {
		t.Errorf("version %d until %s, %v", view.Version(), view.Expires(), view.Damaged())
	}
	if again := r.mustLook(); again.Root().PinnedNow {
		t.Error("it is pinned twice")
	}
}

func TestRequests(t *testing.T) {
	r := newRig(t)
	r.wantVersion("stable", "1")
	r.wantVersion("stable", "1")
	if want := []string{"metadata/2.root.json", timestampPath}; !slices.Equal(r.asked, want) {
		t.Errorf("nothing is new, and it asked for %q", r.asked)
	}
	r.refresh()
	r.wantVersion("stable", "1")
	if want := []string{"metadata/2.root.json", timestampPath, "metadata/3.snapshot.json"}; !slices.Equal(r.asked, want) {
		t.Errorf("only the time is new, and it asked for %q", r.asked)
	}
}

func TestNotThere(t *testing.T) {
	r := newRig(t)
	view := r.mustLook()
	_, err := view.Channel(t.Context(), "stabel")
	if e := errorOf[*NotFoundError](t, err); !slices.Equal(e.Known, []string{"stable", "nightly"}) {
		t.Errorf("%+v", e)
	}
	_, err = view.Target(t.Context(), "versions/2/manifest.json")
	wantError[*NotFoundError](t, err)
	r.rotate(tuf.Rotation{Name: "beta", Add: true})
	r.refresh()
	_, err = r.mustLook().Channel(t.Context(), "beta")
	wantError[*EmptyError](t, err)
	r.files = nil
	r.dir = t.TempDir()
	_, err = r.look()
	wantError[*NotFoundError](t, err)
}

// What is damaged on disk is fetched again, and what was seen is not forgotten.
func TestDamagedFiles(t *testing.T) {
	r := newRig(t)
	names := []string{"roots/1.root.json", "roots/2.root.json", "timestamp.json", "snapshot.json", "targets.json", "stable.json", seenFile}
	r.rotate(tuf.Rotation{})
	r.refresh()
	r.wantVersion("stable", "1")
	for _, name := range names {
		file := filepath.Join(r.dir, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(r.dir, "snapshot.json"))
		if err != nil {
			t.Fatal(err)
		}
		damages := map[string][]byte{"empty": {}, "one byte": whole[:1], "half": whole[:len(whole)/2], "almost whole": whole[:len(whole)-3], "another": other, "zeros": make([]byte, len(whole))}
		for kind, damage := range damages {
			if err := os.WriteFile(file, damage, 0o644); err != nil {
				t.Fatal(err)
			}
			view, err := r.look()
			if err != nil {
				t.Fatalf("%s, %s: %v", name, kind, err)
			}
			if c, err := view.Channel(t.Context(), "stable"); err != nil || c.Version != "1" {
				t.Errorf("%s, %s: %v, %v", name, kind, c.Version, err)
			}
			if kind != "another" && !slices.Contains(view.Damaged(), file) {
				t.Errorf("%s, %s: it is not told: %v", name, kind, view.Damaged())
			}
		}
	}
}

// TestReplay shows readers what there was before, with and without what they
// have on disk.
func TestReplay(t *testing.T) {
	for name, attack := range map[string]func(r *rig, before map[string][]byte){
		"all": func(r *rig, before map[string][]byte) { r.files = before },
		"snapshot": func(r *rig, _ map[string][]byte) {
			r.forge(forgery{timestamp: func(md *metadata.TimestampType) { md.Meta["snapshot.json"] = metadata.MetaFile(1) }})
		},
		"role": func(r *rig, _ map[string][]byte) {
			r.forge(forgery{snapshot: func(md *metadata.SnapshotType) { md.Meta["nightly.json"] = metadata.MetaFile(2) }})
		},
		"role is gone": func(r *rig, _ map[string][]byte) {
			r.forge(forgery{snapshot: func(md *metadata.SnapshotType) { delete(md.Meta, "nightly.json") }})
		},
	} {
		for _, forgotten := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, forgotten %v", name, forgotten), func(t *testing.T) {
				r := newRig(t)
				before := r.backup()
				r.publish("nightly", "2")
				r.wantVersion("nightly", "2")
				attack(r, before)
				if forgotten {
					r.forget()
				}
				_, err := r.look()
				wantError[*RollbackError](t, err)
			})
		}
	}
}

// Each role is good to the second at which it expires, and no longer.
func TestExpiry(t *testing.T) {
	const short, long = 24 * time.Hour, 1000 * 24 * time.Hour
	for role, shorten := range map[string]func(*tuf.Policy){
		"root":      func(p *tuf.Policy) { p.Root = short },
		"targets":   func(p *tuf.Policy) { p.Targets = short },
		"snapshot":  func(p *tuf.Policy) { p.Snapshot = short },
		"timestamp": func(p *tuf.Policy) { p.Timestamp = short },
		"nightly":   func(p *tuf.Policy) { p.Channels = map[string]time.Duration{"nightly": short} },
	} {
		t.Run(role, func(t *testing.T) {
			policy := tuf.Policy{Root: long, Targets: long, Snapshot: long, Timestamp: long, Channel: long}
			shorten(&policy)
			ring, err := newRing(t.TempDir(), policy)
			if err != nil {
				t.Fatal(err)
			}
			r := newRigWith(t, ring, policy)
			r.now = noon.Add(short)
			r.wantVersion("nightly", "1")
			for _, known := range []bool{true, false} {
				if !known {
					r.dir = t.TempDir()
				}
				r.now = noon.Add(short + time.Second)
				_, err := r.version("nightly")
				if e := errorOf[*ExpiredError](t, err); e.Role != role || !e.Now.Equal(r.now) || !e.Expires.Equal(noon.Add(short)) {
					t.Errorf("known %v: %+v", known, e)
				}
			}
		})
	}
}

func TestClocks(t *testing.T) {
	r := newRig(t)
	r.now = noon.AddDate(-1, 0, 0)
	r.wantVersion("stable", "1")
	r.now = noon.AddDate(1, 0, 1)
	_, err := r.look()
	if e := errorOf[*ExpiredError](t, err); !slices.Contains(e.Fault().Try.Means, fault.RightClock) {
		t.Error(e.Fault())
	}
}

// With another channel's role expired, a channel can be read.
func TestExpiryOfAnotherChannel(t *testing.T) {
	r := newRig(t)
	if err := os.Remove(r.key("nightly")); err != nil {
		t.Fatal(err)
	}
	r.publish("stable", "2")
	r.now = noon.Add(20 * 24 * time.Hour)
	r.refresh()
	r.wantVersion("stable", "2")
	view := r.mustLook()
	if file, err := view.File(t.Context(), "stable", "versions/2/manifest.json"); err != nil || file.Size != 10 {
		t.Errorf("%+v, %v", file, err)
	}
	_, err := view.File(t.Context(), "stable", "versions/3/manifest.json")
	wantError[*NotFoundError](t, err)
}

func TestRoots(t *testing.T) {
	r := newRig(t)
	r.mustLook()
	for range 4 {
		r.rotate(tuf.Rotation{Name: tuf.Online})
		r.rotate(tuf.Rotation{Name: metadata.ROOT})
		r.refresh()
	}
	if got := r.mustLook().Root(); got.Version != 9 || got.Anchor != 1 {
		t.Errorf("%+v", got)
	}
	if want := "metadata/10.root.json"; r.mustLook() == nil || r.asked[0] != want {
		t.Errorf("it asked for %q", r.asked)
	}
	for version := range 10 { // somebody hides the newer ones
		if version > 2 {
			delete(r.files, fmt.Sprintf("metadata/%d.root.json", version))
		}
	}
	if got := r.mustLook().Root(); got.Version != 9 {
		t.Errorf("with newer roots hidden: %+v", got)
	}
	r.forget()
	_, err := r.look()
	wantError[*RollbackError](t, err)
}

func TestRootNeedsBothThresholds(t *testing.T) {
	for name, keys := range map[string][]string{
		"one of the old":  {"retired/root.key", "root.3.key", "root.4.key"},
		"none of the old": {"root.3.key", "root.4.key"},
		"none of the new": {"retired/root.key", "retired/root.2.key"},
		"one of the new":  {"retired/root.key", "retired/root.2.key", "root.3.key"},
		"one twice":       {"retired/root.key", "retired/root.key", "root.3.key", "root.4.key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.mustLook()
			r.rotate(tuf.Rotation{Name: metadata.ROOT})
			r.refresh()
			path := "metadata/2.root.json"
			good := r.files[path]
			for i, key := range keys {
				keys[i] = filepath.Join(r.ring.Dir(), key)
			}
			r.files[path] = resign(t, parse[metadata.RootType](t, good), keys...)
			_, err := r.look()
			wantError[*UntrustedError](t, err)
			r.files[path] = good
			if got := r.mustLook().Root().Version; got != 2 {
				t.Errorf("with the good one it is at %d", got)
			}
		})
	}
}

// Whoever shows a root for the first time may show any.
func TestRootWithoutRoles(t *testing.T) {
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		r := newRig(t)
		md := parse[metadata.RootType](t, r.files["metadata/1.root.json"])
		delete(md.Signed.Roles, role)
		r.files["metadata/1.root.json"] = resign(t, md, r.key("root"), r.key("root.2"))
		_, err := r.look()
		wantError[*UntrustedError](t, err)
	}
}

func TestAnswersForTheNextRoot(t *testing.T) {
	for status, fine := range map[int]bool{http.StatusNotFound: true, http.StatusForbidden: true, http.StatusInternalServerError: false} {
		r := newRig(t)
		r.answer = func(path string) ([]byte, error) {
			if path != "metadata/2.root.json" {
				return nil, nil
			}
			return nil, &origin.StatusError{URL: r.URL(path), Code: status}
		}
		if _, err := r.look(); (err == nil) != fine {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// Readers look after each file that a publisher writes while a key changes, an
// old reader and a new one, and notice nothing.
func TestRotationUnnoticed(t *testing.T) {
	for _, name := range []string{"", metadata.ROOT, metadata.TARGETS, tuf.Online, "nightly"} {
		for _, keep := range []bool{false, name == tuf.Online || name == "nightly"} {
			t.Run(fmt.Sprintf("%s, keep %v", name, keep), func(t *testing.T) {
				r := newRig(t)
				r.wantVersion("nightly", "1")
				r.rotate(tuf.Rotation{Name: name, Keep: keep})
				files := r.next(nil)
				for _, file := range files {
					r.write([]tuf.File{file})
					for _, dir := range []string{r.dir, t.TempDir()} {
						view, err := r.readerAt(dir).Refresh(t.Context())
						if err == nil {
							_, err = view.Channel(t.Context(), "nightly")
						}
						if err != nil {
							t.Errorf("after %s: %v", file.Path, err)
						}
					}
				}
				r.publish("nightly", "2")
				r.wantVersion("nightly", "2")
			})
		}
	}
}

// Whoever stole the online key made the highest version there is. A new key
// ends that.
func TestFastForward(t *testing.T) {
	r := newRig(t)
	r.mustLook()
	r.forge(forgery{
		snapshot: func(md *metadata.SnapshotType) {
			md.Version = 1 << 40
			md.Meta["nightly.json"].Version = 2
		},
		timestamp: func(md *metadata.TimestampType) {
			md.Version = 1 << 40
			md.Meta["snapshot.json"].Version = 1 << 40
		},
	})
	if got := r.mustLook().Version(); got != 1<<40 {
		t.Fatalf("version %d", got)
	}
	r.rotate(tuf.Rotation{Name: tuf.Online})
	r.publish("nightly", "2")
	r.wantVersion("nightly", "2")
	if got := r.mustLook().Version(); got >= 1<<31 {
		t.Errorf("version %d", got)
	}
}

// A publication in the middle of a walk is met by walking again.
func TestRace(t *testing.T) {
	r := newRig(t)
	r.mustLook()
	r.publish("stable", "2")
	once := true
	r.answer = func(path string) ([]byte, error) {
		if strings.HasSuffix(path, "snapshot.json") && once {
			once = false
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		return nil, nil
	}
	r.wantVersion("stable", "2")
	r.publish("stable", "3")
	view := r.mustLook()
	r.publish("stable", "4")
	delete(r.files, "metadata/4.stable.json") // it was pruned since
	if c, err := view.Channel(t.Context(), "stable"); err != nil || c.Version != "4" {
		t.Errorf("%q, %v", c.Version, err)
	}
}

func TestPointers(t *testing.T) {
	custom := func(change func(*layout.Channel)) func(*metadata.TargetsType) {
		return func(md *metadata.TargetsType) {
			pointer := md.Targets["nightly/channel.json"]
			c, err := layout.DecodeChannel("nightly", *pointer.Custom)
			if err != nil {
				panic(err)
			}
			change(&c)
			*pointer.Custom = fmt.Appendf(nil, `{"schema":%d,"channel":%q,"sequence":%d,"version":%q,"manifest":{"size":10,"sha256":%q},"history":[]}`,
				c.Schema, c.Channel, c.Sequence, c.Version, c.Manifest.SHA256)
		}
	}
	for name, f := range map[string]forgery{
		"another channel's": {nightly: custom(func(c *layout.Channel) { c.Channel = "stable" })},
		"path":              {nightly: custom(func(c *layout.Channel) { c.Version = "../1" })},
		"schema":            {nightly: custom(func(c *layout.Channel) { c.Schema = 2 })},
		"stable's pointer":  {nightly: func(md *metadata.TargetsType) { md.Targets["stable/channel.json"] = md.Targets["nightly/channel.json"] }},
		"path of a file":    {nightly: func(md *metadata.TargetsType) { md.Targets["versions/../x"] = md.Targets["nightly/channel.json"] }},
		"no file":           {nightly: func(md *metadata.TargetsType) { md.Targets["versions/1/x"] = nil }},
		"another key":       {nightly: func(*metadata.TargetsType) {}, nightlyBy: "stable"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.wantVersion("nightly", "1")
			r.forge(f)
			_, err := r.version("nightly")
			wantError[*UntrustedError](t, err)
			r.wantVersion("stable", "1")
		})
	}
	t.Run("sequence", func(t *testing.T) {
		r := newRig(t)
		r.publish("nightly", "2")
		r.wantVersion("nightly", "2")
		r.forge(forgery{nightly: custom(func(c *layout.Channel) { c.Sequence = 1 })})
		_, err := r.version("nightly")
		if e := errorOf[*RollbackError](t, err); e.Seen != 2 || e.Got != 1 {
			t.Errorf("%+v", e)
		}
	})
}

// An older version with a higher sequence is where the publisher wants readers.
func TestChannelGoesBack(t *testing.T) {
	r := newRig(t)
	r.publish("stable", "2")
	r.wantVersion("stable", "2")
	r.publish("stable", "1")
	r.wantVersion("stable", "1")
}

func TestRevoked(t *testing.T) {
	r := newRig(t)
	c, _, err := r.state().Channel("stable")
	if err != nil {
		t.Fatal(err)
	}
	edit := moved(c, "1")
	edit.State.Revoked = map[string]string{"1": "it does not boot"}
	r.write(r.next(map[string]tuf.ChannelEdit{"stable": edit}))
	got, err := r.version("stable")
	if e := errorOf[*RevokedError](t, err); e.Reason != "it does not boot" || got != "1" {
		t.Errorf("%+v, %q", e, got)
	}
}

func TestPin(t *testing.T) {
	r := newRig(t)
	ring, err := newRing(t.TempDir(), tuf.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	other := newRigWith(t, ring, tuf.DefaultPolicy())
	pin := r.files["metadata/1.root.json"]
	r.rotate(tuf.Rotation{Name: metadata.ROOT})
	r.refresh()
	client := OpenAt(t.TempDir(), r, pin)
	client.Now = func() time.Time { return noon }
	view, err := client.Refresh(t.Context())
	if err != nil || view.Root().Version != 2 {
		t.Fatalf("%v", err)
	}
	t.Run("of another repository", func(t *testing.T) {
		other.dir = t.TempDir()
		client := OpenAt(other.dir, other, pin)
		client.Now = func() time.Time { return noon }
		_, err := client.Refresh(t.Context())
		wantError[*UntrustedError](t, err)
	})
	t.Run("another than before", func(t *testing.T) {
		r.mustLook()
		_, err := OpenAt(r.dir, r, other.files["metadata/1.root.json"]).Refresh(t.Context())
		wantError[*PinError](t, err)
	})
	t.Run("the repository started over", func(t *testing.T) {
		r.mustLook()
		r.files = other.files
		_, err := r.look()
		wantError[*UntrustedError](t, err)
		r.forget()
		_, err = r.look()
		wantError[*PinError](t, err)
	})
}

// Readers that share a directory wait for each other.
func TestTogether(t *testing.T) {
	r := newRig(t)
	var group errgroup.Group
	for range 8 {
		client := r.reader()
		group.Go(func() error {
			for range 5 {
				view, err := client.Refresh(t.Context())
				if err != nil {
					return err
				}
				if _, err := view.Channel(t.Context(), "stable"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitingEnds(t *testing.T) {
	r := newRig(t)
	unlock, err := r.reader().lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := contextWithCancel(t)
	cancel()
	if _, err := r.reader().Refresh(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}
