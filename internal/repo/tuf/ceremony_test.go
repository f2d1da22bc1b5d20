package tuf

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
)

// ceremony is a repository whose root keys are with three people. anna has all
// other keys, too.
type ceremony struct {
	repo

	anna, berta, carl *Ring
	mail              string // a directory
}

// newCeremony lets three people make a repository of which two sign the root.
func newCeremony(t *testing.T) *ceremony {
	t.Helper()
	c := &ceremony{repo: repo{}, berta: emptyRing(t), carl: emptyRing(t), mail: t.TempDir()}
	setup := Setup{Channels: []string{"stable", "nightly"}, RootKeys: 1, RootThreshold: 2}
	for _, ring := range []*Ring{c.berta, c.carl} {
		made, err := GenerateKey(ring.FreeRootKey())
		if err != nil {
			t.Fatal(err)
		}
		setup.RootPublic = append(setup.RootPublic, made.Public)
	}
	c.anna = newRing(t, setup)
	c.sign(t, c.berta, c.post(t), 0)
	c.sign(t, c.anna, c.sent(1), 0)
	c.sign(t, c.carl, c.sent(1), 0)
	publishVersion(t, c.repo, c.anna, "nightly", "1")
	return c
}

func emptyRing(t *testing.T) *Ring {
	t.Helper()
	ring, err := OpenRing(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// post sends what is pending with anna, and returns the file.
func (c *ceremony) post(t *testing.T) string {
	t.Helper()
	pending, err := c.anna.Pending()
	if err != nil || pending == nil {
		t.Fatalf("%v, %v", pending, err)
	}
	return c.copy(t, pending.File)
}

func (c *ceremony) copy(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	sent := filepath.Join(c.mail, filepath.Base(file))
	if err == nil {
		err = os.WriteFile(sent, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// sent returns the file of a root that was sent.
func (c *ceremony) sent(version int64) string {
	return filepath.Join(c.mail, fileName(metadata.ROOT, version))
}

// sign lets somebody sign a file, after which so many signatures are missing.
func (c *ceremony) sign(t *testing.T, ring *Ring, file string, missing int) *Proposal {
	t.Helper()
	p, err := ring.Propose(file, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := p.Sign()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	if pending != nil {
		got = pending.Lacks[0].Count
	}
	if got != missing {
		t.Fatalf("%d signatures are missing, want %d", got, missing)
	}
	return p
}

func (c *ceremony) rotate(t *testing.T, rotation Rotation) Rotated {
	t.Helper()
	rotated, err := c.anna.Rotate(rotation, DefaultPolicy(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return rotated
}

// rootNow returns the version of the root that readers get.
func (c *ceremony) rootNow(t *testing.T) int64 {
	t.Helper()
	version, _ := c.load(t, c.anna).Root()
	return version
}

// Every kind of rotation changes nothing before enough have signed, and then
// everything.
func TestCeremony(t *testing.T) {
	c := newCeremony(t)
	for i, rotation := range []Rotation{
		{Name: Online}, {Name: Online, Keep: true}, {Name: metadata.TARGETS}, {}, {Name: metadata.ROOT},
	} {
		version := int64(i + 2)
		if rotated := c.rotate(t, rotation); rotated.Pending == nil || rotated.Pending.Version != version {
			t.Fatalf("%q: %+v", rotation.Name, rotated.Pending)
		}
		c.publish(t, c.anna, noon, nil)
		if got := c.rootNow(t); got != version-1 {
			t.Fatalf("%q: root %d is published before it is good", rotation.Name, got)
		}
		file := c.post(t)
		c.sign(t, c.carl, file, 0)
		c.sign(t, c.anna, file, 0)
		c.sign(t, c.berta, file, 0) // only to know it
		c.publish(t, c.anna, noon, nil)
		if got := c.rootNow(t); got != version {
			t.Fatalf("%q: root %d is published", rotation.Name, got)
		}
		if _, err := os.Stat(c.anna.pending); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: something is left: %v", rotation.Name, err)
		}
	}
	for _, ring := range []*Ring{c.anna, c.berta} {
		if d, err := ring.Describe(DefaultPolicy(), noon); err != nil || d.Root.Version != 6 || d.Pending != nil || len(d.Due) > 0 {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

// Somebody goes, somebody comes, and more have to sign: by the word of the old
// root and of the new one.
func TestBothThresholds(t *testing.T) {
	c, dora := newCeremony(t), emptyRing(t)
	made, err := GenerateKey(dora.FreeRootKey())
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.carl.Describe(DefaultPolicy(), noon)
	if err != nil {
		t.Fatal(err)
	}
	var gone string
	for _, k := range d.Keys {
		if k.Name == metadata.ROOT && k.File != "" {
			gone = k.ID
		}
	}
	c.rotate(t, Rotation{Name: metadata.ROOT, RootKeys: []string{made.Public}, Drop: []string{gone[:8]}, RootThreshold: 3})
	file := c.post(t)
	p := c.sign(t, c.carl, file, 2) // enough for the old root, nothing to the new
	if root := p.Change.Names[0]; root.Threshold != 3 || root.Was != 2 || len(root.Stays) != 2 || root.Goes[0] != gone || root.Comes[0] != made.ID {
		t.Errorf("%+v", root)
	}
	c.sign(t, c.anna, file, 2)
	c.sign(t, c.berta, file, 1)
	c.publish(t, c.anna, noon, nil)
	if got := c.rootNow(t); got != 1 {
		t.Fatalf("root %d is published", got)
	}
	c.sign(t, dora, c.copy(t, c.anna.metadata(metadata.ROOT, 1)), 0)
	c.sign(t, dora, file, 0)
	c.sign(t, c.anna, file, 0)
	c.publish(t, c.anna, noon, nil)
	if got := c.rootNow(t); got != 2 {
		t.Fatalf("root %d is published", got)
	}
}

// edited changes the signed part of a root, and leaves the signatures.
func edited(t *testing.T, file string, change func(signed map[string]any)) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Signatures []map[string]any `json:"signatures"`
		Signed     map[string]any   `json:"signed"`
	}
	if err := json.Unmarshal(content, &root); err != nil {
		t.Fatal(err)
	}
	change(root.Signed)
	if content, err = json.Marshal(root); err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is not a root to be signed is refused, with the reason, and nothing changes.
func TestRefusals(t *testing.T) {
	for reason, spoil := range map[string]func(t *testing.T, c *ceremony, file string){
		"it is not TUF metadata": func(t *testing.T, _ *ceremony, file string) {
			put(t, file, "{}")
		},
		"expected metadata type root, got - targets": func(t *testing.T, c *ceremony, file string) {
			put(t, file, string(c.repo["metadata/1.targets.json"]))
		},
		"does not fit": func(t *testing.T, _ *ceremony, file string) {
			edited(t, file, func(signed map[string]any) { signed["expires"] = "2099-01-01T00:00:00Z" })
		},
		"it expired on 2026-01-01": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) { root.Expires = noon.AddDate(0, -10, -21).UTC().Truncate(day) })
		},
		"another than its name says": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) {
				ids := root.Roles[metadata.ROOT].KeyIDs
				root.Keys[ids[0]] = root.Keys[ids[1]]
			})
		},
		"different keys": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) {
				root.Roles[metadata.SNAPSHOT] = &metadata.Role{KeyIDs: root.Roles[metadata.ROOT].KeyIDs, Threshold: 1}
			})
		},
		"can never sign": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) { root.Roles[metadata.ROOT].Threshold = 4 })
		},
		"not a root of an image repository": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) { root.UnrecognizedFields = map[string]any{"x": "y"} })
		},
		"root 2 is not here": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) { root.Version = 3 })
		},
		"there is another root 1 here, which is good: this one is stale": func(t *testing.T, _ *ceremony, file string) {
			unsigned(t, file, func(root *metadata.RootType) { root.Version = 1 })
		},
		"is not a root key": func(t *testing.T, _ *ceremony, file string) {
			foreign, err := generateKey(filepath.Join(t.TempDir(), "foreign.key"))
			if err != nil {
				t.Fatal(err)
			}
			signedBy(t, file, foreign)
		},
	} {
		t.Run(reason, func(t *testing.T) {
			c := newCeremony(t)
			c.rotate(t, Rotation{Name: Online})
			file := c.post(t)
			spoil(t, c, file)
			before := get(t, file)
			_, err := c.berta.Propose(file, "", noon)
			if refused := errorOf[*RefusedError](t, err); !strings.Contains(refused.Error(), reason) || refused.File != file {
				t.Errorf("%v", refused)
			}
			if !bytes.Equal(get(t, file), before) {
				t.Error("the file is another")
			}
		})
	}
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// unsigned changes a root, and leaves no signature.
func unsigned(t *testing.T, file string, change func(root *metadata.RootType)) {
	t.Helper()
	root, err := parse[metadata.RootType](get(t, file))
	if err != nil {
		t.Fatal(err)
	}
	root.md.ClearSignatures()
	change(&root.md.Signed)
	content, err := root.md.ToBytes(true)
	if err != nil {
		t.Fatal(err)
	}
	put(t, file, string(content))
}

// signedBy adds the signature of a key.
func signedBy(t *testing.T, file string, k key) {
	t.Helper()
	root, err := parse[metadata.RootType](get(t, file))
	if err == nil {
		_, err = root.md.Sign(k.signer)
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := root.md.ToBytes(true)
	if err != nil {
		t.Fatal(err)
	}
	put(t, file, string(content))
}

func TestForeignKey(t *testing.T) {
	c := newCeremony(t)
	c.rotate(t, Rotation{Name: Online})
	file := c.post(t)
	foreign, err := GenerateKey(filepath.Join(t.TempDir(), "foreign.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range []*Ring{c.anna, c.berta} {
		_, err = ring.Propose(file, foreign.File, noon)
		if e := errorOf[*NoRootKeyError](t, err); e.Key != foreign.File || e.Lacks[0].Count != 1 {
			t.Errorf("%+v", e)
		}
	}
	if err := os.Remove(filepath.Join(c.berta.dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	_, err = c.berta.Propose(file, "", noon)
	wantError[*NoRootKeyError](t, err)
}

// Who signs twice counts once, in one file and in two.
func TestSignedTwice(t *testing.T) {
	c := newCeremony(t)
	c.rotate(t, Rotation{Name: Online})
	file := c.post(t)
	if p := c.sign(t, c.anna, file, 1); len(p.Again) != 1 || p.Asks() {
		t.Errorf("%+v", p)
	}
	edited(t, file, func(map[string]any) {})
	root, err := parse[metadata.RootType](get(t, file))
	if err != nil {
		t.Fatal(err)
	}
	root.md.Signatures = append(root.md.Signatures, root.md.Signatures[0])
	twice, err := root.md.ToBytes(true)
	if err != nil {
		t.Fatal(err)
	}
	put(t, file, string(twice))
	_, err = c.berta.Propose(file, "", noon)
	wantError[*RefusedError](t, err)
	for name, setup := range map[string]Setup{
		"given twice": {Channels: []string{"stable"}, RootThreshold: 2, RootPublic: []string{filepath.Join(c.berta.dir, "root.pub"), filepath.Join(c.berta.dir, "root.pub")}},
		"no key":      {Channels: []string{"stable"}, RootPublic: []string{file}},
		"a secret":    {Channels: []string{"stable"}, RootPublic: []string{filepath.Join(c.berta.dir, "root.key")}},
	} {
		_, err := CreateRing(t.TempDir()+"/keys", setup, DefaultPolicy(), noon)
		if err == nil {
			t.Errorf("%s: it is taken", name)
		}
		wantError[*SetupError](t, err)
	}
}

// Two sign the same file at the same time: each has a good root then, and they
// are the same to everybody.
func TestSignedAtOnce(t *testing.T) {
	c := newCeremony(t)
	c.rotate(t, Rotation{Name: Online})
	file := c.post(t)
	original := get(t, file)
	c.sign(t, c.berta, file, 0)
	c.sign(t, c.anna, file, 0)
	put(t, file, string(original))
	c.sign(t, c.carl, file, 0)
	if p := c.sign(t, c.anna, file, 0); !p.Known {
		t.Errorf("%+v", p)
	}
	c.publish(t, c.anna, noon, nil)
	if err := c.carl.Learn(c.load(t, c.carl)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, c.carl.metadata(metadata.ROOT, 2)), c.repo["metadata/2.root.json"]) {
		t.Error("carl has not learned what is published")
	}
}

// A second rotation waits for the first, or for it to be given up; a stale one
// is said to be stale.
func TestStalePending(t *testing.T) {
	c := newCeremony(t)
	c.rotate(t, Rotation{Name: Online})
	late := c.post(t)
	_, err := c.anna.Rotate(Rotation{Name: "nightly"}, DefaultPolicy(), noon)
	if e := errorOf[*PendingError](t, err); e.Dir != c.anna.pending {
		t.Errorf("%+v", e)
	}
	// Berta makes a root, too, and hers gets the signatures.
	if _, err := c.berta.Rotate(Rotation{Name: metadata.ROOT}, DefaultPolicy(), noon); err != nil {
		t.Fatal(err)
	}
	_, err = c.berta.Propose(late, "", noon)
	if e := errorOf[*RefusedError](t, err); !strings.Contains(e.Error(), "another root 2 is pending here") {
		t.Error(e)
	}
	pending, err := c.berta.Pending()
	if err != nil {
		t.Fatal(err)
	}
	c.sign(t, c.carl, pending.File, 0)
	c.sign(t, c.berta, pending.File, 0)
	other := emptyRing(t)
	if err := os.CopyFS(other.dir, os.DirFS(c.anna.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(other.pending); err != nil {
		t.Fatal(err)
	}
	c.sign(t, other, c.berta.metadata(metadata.ROOT, 2), 0)
	c.publish(t, other, noon, nil)
	if err := c.anna.Learn(c.load(t, c.anna)); err != nil {
		t.Fatal(err)
	}
	_, err = c.anna.Rotate(Rotation{Name: Online}, DefaultPolicy(), noon)
	if e := errorOf[*RefusedError](t, err); !strings.Contains(e.Error(), "stale") || !slices.Equal(e.Try.On, []string{c.anna.pending}) {
		t.Error(e)
	}
	if err := os.RemoveAll(c.anna.pending); err != nil {
		t.Fatal(err)
	}
	c.rotate(t, Rotation{Name: Online})
}

// Whoever is interrupted does the same again.
func TestInterruptedAdoption(t *testing.T) {
	for name, until := range map[string]func(r *Ring, d draft) error{
		"keys are there": func(r *Ring, _ draft) error { return r.raise() },
		"metadata are there": func(r *Ring, d draft) error {
			return errors.Join(r.raise(), r.store([]File{d.targets.file(metadata.TARGETS, versionOf(d.targets)), d.root.file(metadata.ROOT, 2)}))
		},
		"keys are retired": func(r *Ring, d draft) error { return errors.Join(r.raise(), r.adopt(d)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCeremony(t)
			c.rotate(t, Rotation{Name: metadata.TARGETS})
			file := c.post(t)
			c.sign(t, c.berta, file, 0)
			if err := durable.WriteFile(filepath.Join(c.anna.pending, "2.root.json"), get(t, file), 0o644); err != nil {
				t.Fatal(err)
			}
			d, err := c.anna.draft()
			if err == nil {
				err = until(c.anna, d)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.sign(t, c.anna, file, 0)
			if _, err := os.Stat(c.anna.pending); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something is left: %v", err)
			}
			if _, err := os.Stat(filepath.Join(c.anna.dir, retiredDir, "targets.key")); err != nil {
				t.Error(err)
			}
			c.publish(t, c.anna, noon, nil)
			if got := c.rootNow(t); got != 2 {
				t.Errorf("root %d is published", got)
			}
		})
	}
}

// A root that is good lies with somebody who publishes and does not have the
// targets that go with it. It waits for who has both.
func TestRootWithoutItsTargets(t *testing.T) {
	c := newCeremony(t)
	for _, name := range []string{"nightly.key", "online.key"} {
		put(t, filepath.Join(c.berta.dir, name), string(get(t, filepath.Join(c.anna.dir, name))))
	}
	c.rotate(t, Rotation{Name: metadata.TARGETS})
	file := c.post(t)
	c.sign(t, c.berta, file, 0)
	publishVersion(t, c.repo, c.berta, "nightly", "2")
	if got := c.rootNow(t); got != 1 {
		t.Fatalf("root %d is published", got)
	}
	c.sign(t, c.anna, file, 0)
	c.publish(t, c.anna, noon, nil)
	if got := c.rootNow(t); got != 2 {
		t.Fatalf("root %d is published", got)
	}
	publishVersion(t, c.repo, c.berta, "nightly", "3")
}

// Before the first root is good there is no repository.
func TestPendingFirstRoot(t *testing.T) {
	berta := emptyRing(t)
	made, err := GenerateKey(berta.FreeRootKey())
	if err != nil {
		t.Fatal(err)
	}
	ring := newRing(t, Setup{RootKeys: 1, RootPublic: []string{made.Public}, RootThreshold: 2})
	_, err = Load(t.Context(), ring, repo{}.fetch)
	if e := errorOf[*PendingError](t, err); e.Version != 1 || e.Lacks[0].Keys[0] != made.ID {
		t.Errorf("%+v", e)
	}
	if d, err := ring.Describe(DefaultPolicy(), noon); err != nil || d.First != "" || d.Pending == nil || len(d.Keys) != 6 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := GenerateKey(made.File); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key is replaced: %v", err)
	}
}

// Half of their life before root and targets expire, people hear of it.
func TestDescribeDue(t *testing.T) {
	ring := newRing(t, Setup{})
	for days, want := range map[int]int{182: 0, 183: 2} {
		d, err := ring.Describe(DefaultPolicy(), noon.AddDate(0, 0, days))
		if err != nil || len(d.Due) != want {
			t.Errorf("after %d days: %+v, %v", days, d.Due, err)
		}
	}
}

func FuzzPropose(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte(`{"signed":{"_type":"root","version":1,"consistent_snapshot":true,"keys":{"a":null},"roles":{"root":null,"targets":null,"snapshot":null,"timestamp":null}},"signatures":[]}`))
	f.Add([]byte(`{"signed":{"_type":"root","version":1,"keys":{"a":{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"00"}}},"roles":{"root":{"keyids":["a"],"threshold":1}}},"signatures":[{"keyid":"a","sig":"00"}]}`))
	f.Fuzz(func(_ *testing.T, content []byte) {
		root, err := parseRoot(content)
		if err != nil {
			return
		}
		_, _ = signers(rootDocument{}, root)
		_ = compare(rootDocument{}, root)
		sameSigned(content, root.raw)
	})
}
