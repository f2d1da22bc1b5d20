//go:build vm

package tuf

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// pythonTUF is the client that others are likely to use.
const pythonTUF = "tuf==7.0.1"

// python returns a Python that has it.
func python(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../build/python-tuf")
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(dir, "bin", "python")
	if command.Run(t.Context(), command.Cmd{Name: python, Args: []string{"-c", "import tuf; assert 'tuf==' + tuf.__version__ == '" + pythonTUF + "'"}}) == nil {
		return python
	}
	for _, c := range []command.Cmd{
		{Name: "python3", Args: []string{"-m", "venv", "--clear", dir}},
		{Name: python, Args: []string{"-m", "pip", "install", "--quiet", pythonTUF}},
	} {
		if err := command.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return python
}

// other is a repository on a web server, and somebody who reads it with
// python-tuf.
type other struct {
	repo
	ring   *Ring
	url    string
	python string
	work   string // what the reader keeps from state to state
}

func newOther(t *testing.T, r repo, ring *Ring) *other {
	t.Helper()
	o := &other{repo: r, ring: ring, python: python(t), work: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := o.repo[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// put publishes a version that has files to download.
func (o *other) put(t *testing.T, channel, version string) {
	t.Helper()
	c, _, err := o.load(t, o.ring).Channel(channel)
	if err != nil {
		t.Fatal(err)
	}
	c.Channel = channel
	content := []byte(`{"version": "` + version + `"}`)
	edit := move(c, version)
	reference := layout.Reference{Size: int64(len(content)), SHA256: manifest.Digest(content)}
	edit.State.Manifest, edit.State.History[0].Manifest = reference, reference
	edit.Targets[layout.Version(version, layout.ManifestFile)] = reference
	o.repo[layout.Version(version, layout.ManifestFile)] = content
	o.repo[layout.Pointer(channel)] = []byte(layout.PointerBody)
	o.publish(t, o.ring, time.Now(), map[string]ChannelEdit{channel: edit})
}

// read compares what python-tuf reads with what was published, once with what
// it knows from before and once without.
func (o *other) read(t *testing.T) {
	t.Helper()
	want := map[string]layout.Channel{}
	args := []string{"testdata/read.py", o.url, filepath.Join(o.ring.Dir(), "metadata", "1.root.json"), ""}
	state := o.load(t, o.ring)
	for _, name := range state.Channels() {
		args = append(args, name)
		if c, ok, err := state.Channel(name); ok && err == nil {
			want[name] = c
		}
	}
	for _, work := range []string{o.work, t.TempDir()} {
		args[3] = work
		out, err := command.Output(t.Context(), command.Cmd{Name: o.python, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]layout.Channel{}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("python-tuf reads something else (-want +got):\n%s", d)
		}
	}
}

// TestPython has every state that can be made read by python-tuf.
func TestPython(t *testing.T) {
	o := newOther(t, repo{}, newRing(t, Setup{RootKeys: 2, RootThreshold: 2}))
	rotate := func(rotation Rotation) func() {
		return func() {
			if err := o.ring.Learn(o.load(t, o.ring)); err != nil {
				t.Fatal(err)
			}
			if _, err := o.ring.Rotate(rotation, DefaultPolicy(), time.Now()); err != nil {
				t.Fatal(err)
			}
			o.publish(t, o.ring, time.Now(), nil)
		}
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"empty", func() { o.publish(t, o.ring, time.Now(), nil) }},
		{"first", func() { o.put(t, "nightly", "1") }},
		{"promote", func() { o.put(t, "stable", "1") }},
		{"second", func() { o.put(t, "nightly", "2") }},
		{"roll back", func() { o.put(t, "nightly", "1") }},
		{"refresh", func() { o.publish(t, o.ring, time.Now(), nil) }},
		{"online key, both", rotate(Rotation{Name: Online, Keep: true})},
		{"online key", rotate(Rotation{Name: Online})},
		{"nightly key", rotate(Rotation{Name: "nightly"})},
		{"targets key", rotate(Rotation{Name: metadata.TARGETS})},
		{"root keys", rotate(Rotation{Name: metadata.ROOT})},
		{"channel", rotate(Rotation{Name: "beta", Add: true})},
		{"another year", rotate(Rotation{})},
		{"third", func() { o.put(t, "beta", "3") }},
	} {
		step.do()
		if !t.Run(step.name, o.read) {
			return
		}
	}
}

// TestPythonCeremony has a repository read whose root keys are with several
// people, by a reader who knows its first root only, and by one who follows.
func TestPythonCeremony(t *testing.T) {
	c := newCeremony(t)
	o := newOther(t, c.repo, c.anna)
	now := time.Now()
	o.put(t, "nightly", "2")
	for i, rotation := range []Rotation{{Name: Online}, {Name: metadata.TARGETS}, {Name: metadata.ROOT}} {
		if _, err := c.anna.Rotate(rotation, DefaultPolicy(), now); err != nil {
			t.Fatal(err)
		}
		o.publish(t, c.anna, now, nil)
		t.Run(rotation.Name+" pending", o.read)
		file := c.post(t)
		c.sign(t, c.berta, file, 0)
		c.sign(t, c.anna, file, 0)
		o.publish(t, c.anna, now, nil)
		if got, want := c.rootNow(t), int64(i+2); got != want {
			t.Fatalf("root %d is published, not %d", got, want)
		}
		t.Run(rotation.Name, o.read)
	}
}

// TestMinisignProgram verifies a list of checksums with the program, as people do.
func TestMinisignProgram(t *testing.T) {
	ring, dir := newRing(t, Setup{}), t.TempDir()
	put := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		out, err := command.Output(t.Context(), command.Cmd{Name: args[0], Args: args[1:], Dir: dir})
		return strings.TrimSpace(string(out)), err
	}
	image := []byte("image")
	sums := []byte(manifest.FormatSums([]manifest.Sum{{SHA256: manifest.Digest(image), Name: "image"}}))
	signature, err := ring.Minisign(sums, "amigo 2026-11-22")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ring.MinisignPublic()
	if err != nil {
		t.Fatal(err)
	}
	put("image", image)
	put(layout.SumsFile, sums)
	put(layout.SignatureFile, signature)
	put(layout.MinisignFile, public)
	verify := []string{"minisign", "-QVHm", layout.SumsFile, "-p", layout.MinisignFile}
	if out, err := run(verify...); err != nil || out != "amigo 2026-11-22" {
		t.Errorf("%q, %v", out, err)
	}
	lines := strings.Fields(string(public))
	if _, err := run("minisign", "-Vm", layout.SumsFile, "-P", lines[len(lines)-1]); err != nil {
		t.Error(err)
	}
	if _, err := run("sha256sum", "-c", "--ignore-missing", layout.SumsFile); err != nil {
		t.Error(err)
	}
	put(layout.SumsFile, append(sums, '\n'))
	var exit *command.ExitError
	if _, err := run(verify...); !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("altered sums: %v", err)
	}
}
