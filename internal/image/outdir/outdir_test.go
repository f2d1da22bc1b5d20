package outdir

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestCommit(t *testing.T) {
	final := filepath.Join(t.TempDir(), "output", "distribution")
	for _, content := range []string{"first", "second"} {
		d := create1(t, final)
		write(t, d.Path("image"), content)
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := d.Discard(); err != nil {
			t.Fatal(err)
		}
		wantFile(t, filepath.Join(final, "image"), content)
		wantNames(t, filepath.Dir(final), "distribution")
	}
}

func TestDiscardKeepsWhatWasThere(t *testing.T) {
	final := filepath.Join(t.TempDir(), "out")
	first := create1(t, final)
	write(t, first.Path("image"), "whole")
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	second := create1(t, final)
	write(t, second.Path("image"), "half")
	if err := second.Discard(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(final, "image"), "whole")
	wantNames(t, filepath.Dir(final), "out")
}

func TestDiscardLeavesNoEmptyParents(t *testing.T) {
	top := t.TempDir()
	mine, other := create1(t, filepath.Join(top, "a", "b", "out")), create1(t, filepath.Join(top, "a", "c"))
	if err := mine.Discard(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, filepath.Join(top, "a"), filepath.Base(other.Path()))
	again := create1(t, filepath.Join(top, "a", "b", "out"))
	if err := errors.Join(again.Discard(), other.Discard()); err != nil {
		t.Fatal(err)
	}
	// The first run made the directory, and had no way to know.
	wantNames(t, top, "a")
}

func TestTwoRenames(t *testing.T) {
	final := filepath.Join(t.TempDir(), "out")
	for _, content := range []string{"first", "second"} {
		d := create1(t, final)
		write(t, d.Path("image"), content)
		if err := putByTwoRenames(d.partial, final); err != nil {
			t.Fatal(err)
		}
		d.close()
		wantFile(t, filepath.Join(final, "image"), content)
		wantNames(t, filepath.Dir(final), "out")
	}
}

func TestSweepRepairsADeathBetweenRenames(t *testing.T) {
	final := filepath.Join(t.TempDir(), "out")
	d := create1(t, final)
	write(t, d.Path("image"), "whole")
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(final, final+replacedInfix+"1"); err != nil {
		t.Fatal(err)
	}
	next := create1(t, final)
	wantFile(t, filepath.Join(final, "image"), "whole")
	if err := next.Discard(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, filepath.Dir(final), "out")
}

func TestRescue(t *testing.T) {
	final := filepath.Join(t.TempDir(), "out")
	d := create1(t, final)
	if err := os.Mkdir(d.Path("evidence"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Rescue("evidence", final+".evidence"); err != nil {
		t.Fatal(err)
	}
	if err := d.Discard(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, filepath.Dir(final), "out.evidence")
}

func TestRemoveRefusesWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	var notOurs *NotOursError
	if err := Remove(dir); !errors.As(err, &notOurs) {
		t.Fatalf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home", "me")
	t.Setenv("HOME", home)
	t.Chdir(dir)
	for path, content := range map[string]string{"theirs/thesis": "1", "file": "1", "ours/" + Marker: markerText} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, content)
	}
	if err := errors.Join(os.Mkdir("empty", 0o755), os.Symlink("ours", "link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{"", "is empty"},
		{"/", "would replace /"},
		{".", "would replace"},
		{"..", "would replace"},
		{home, "would replace"},
		{"home", "would replace"},
		{"link", "symbolic link"},
		{"file", "is a file"},
		{"theirs", "was not made by amigo-image"},
		{"file/below", "not a directory"},
		{"ours", ""}, {"empty", ""}, {"missing", ""}, {"missing/too", ""},
	} {
		_, err := Check(test.path)
		if got := fmt.Sprint(err); !strings.Contains(got, test.want) || (err == nil) != (test.want == "") {
			t.Errorf("%q: got %v, want %q", test.path, err, test.want)
		}
	}
}

func TestSweepLeavesWhatIsNotDead(t *testing.T) {
	final := filepath.Join(t.TempDir(), "out")
	alive := create1(t, final)
	foreign := final + partialInfix + "copy"
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(foreign, "thesis"), "1")
	next := create1(t, final)
	wantNames(t, filepath.Dir(final), filepath.Base(alive.partial), filepath.Base(foreign), filepath.Base(next.partial))
}

// TestKilled kills a run with SIGKILL at each of its stages: the final place
// holds the old result or the new one, and the next run clears the rest.
func TestKilled(t *testing.T) {
	for _, stage := range []string{"created", "written", "committed"} {
		t.Run(stage, func(t *testing.T) {
			final := filepath.Join(t.TempDir(), "out")
			old := create1(t, final)
			write(t, old.Path("image"), "old")
			if err := old.Commit(); err != nil {
				t.Fatal(err)
			}
			killAt(t, final, stage)
			next := create1(t, final)
			if err := next.Discard(); err != nil {
				t.Fatal(err)
			}
			wantNames(t, filepath.Dir(final), "out")
			wantFile(t, filepath.Join(final, "image"), map[bool]string{true: "new", false: "old"}[stage == "committed"])
		})
	}
}

// killAt runs this test binary as a run that stops at stage, and kills it there.
func killAt(t *testing.T, final, stage string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess("/proc/self/exe", []string{"outdir"}, &os.ProcAttr{
		Env:   append(os.Environ(), "OUTDIR_FINAL="+final, "OUTDIR_STAGE="+stage),
		Files: []*os.File{nil, w, os.Stderr},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("the run said %q: %v", line, err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = process.Wait()
}

func TestMain(m *testing.M) {
	if final := os.Getenv("OUTDIR_FINAL"); final != "" {
		run(final, os.Getenv("OUTDIR_STAGE"))
	}
	os.Exit(m.Run())
}

// run is what a build does, up to a stage, at which it waits for its death.
func run(final, stage string) {
	d, err := Create(final)
	at := func(now string) {
		if err != nil {
			panic(err)
		}
		if now != stage {
			return
		}
		fmt.Println(now)
		forever := make(chan os.Signal, 1)
		signal.Notify(forever, syscall.SIGUSR2)
		<-forever
	}
	at("created")
	err = os.WriteFile(d.Path("image"), []byte("new"), 0o644)
	at("written")
	err = d.Commit()
	at("committed")
}

func create1(t *testing.T, final string) *Dir {
	t.Helper()
	d, err := Create(final)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Fatalf("%s: got %q, %v, want %q", path, got, err, want)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
}
