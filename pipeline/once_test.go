package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	shared "github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestWhatIsForeseenIsNotAskedAgain: a builder that had to ask what decides its
// result is run with the answer.
func TestWhatIsForeseenIsNotAskedAgain(t *testing.T) {
	for records, want := range map[string]string{t.TempDir(): "42", "": "43"} { // without records nothing is foreseen
		tr := &trace{}
		plan := planned(t, tr, `
source "asker" "a" {}
build { sources = ["asker.a"] }`, Options{})
		if _, err := plan.Run(t.Context(), RunOptions{Sink: tr, Records: records}); err != nil {
			t.Fatal(err)
		}
		if got := tr.String(); strings.Count(got, "asked\n") != 1 || !strings.Contains(got, "built of "+want) {
			t.Errorf("with records in %q:\n%s", records, got)
		}
	}
}

const readOnce = `
source "null" "a" {
  output  = "out"
  content = "hello"
  reads   = true
}
build { sources = ["null.a"] }`

// TestDiskIsNotReadAgain: what was read of a disk when it was made is
// remembered, here a digest that no file has.
func TestDiskIsNotReadAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	tr := &trace{}
	results, err := planned(t, tr, readOnce, Options{}).Run(t.Context(), RunOptions{Sink: tr, Records: "records"})
	if err != nil {
		t.Fatal(err)
	}
	if got := results[0].Artifacts[0].Files[0].SHA256; got != invented {
		t.Errorf("it was read again: %s", got)
	}
}

// TestImagesBringTheirReading: an image as our post-processors make it is one
// whose disk need not be read again.
func TestImagesBringTheirReading(t *testing.T) {
	dir := t.TempDir()
	disk, list := filepath.Join(dir, "amigo.qcow2"), filepath.Join(dir, "packages.txt")
	if err := errors.Join(os.WriteFile(disk, []byte("disk"), 0o600), os.WriteFile(list, []byte("list"), 0o600)); err != nil {
		t.Fatal(err)
	}
	read, err := manifest.Read(disk, silent)
	if err != nil {
		t.Fatal(err)
	}
	image := &packersdk.MockArtifact{
		FilesValue:  []string{disk, list},
		StateValues: map[string]any{shared.StateDisk: disk, shared.StateReading: read.Text()},
	}
	files := describe([]packersdk.Artifact{image})[0].Files
	if files[0].read != read || files[1].read != (manifest.Reading{}) {
		t.Errorf("%+v", files)
	}
}

// TestDiskThatChangedIsReadAgain: what is remembered is of the disk as it is
// when the build ends.
func TestDiskThatChangedIsReadAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	tr := &trace{}
	meddler := when(event.PhaseEnd, "a", func() error {
		time.Sleep(20 * time.Millisecond) // the clock of files is a coarse one
		return os.WriteFile("out", []byte("jello"), 0o644)
	})
	results, err := planned(t, tr, readOnce, Options{}).Run(t.Context(), RunOptions{Sink: meddler, Records: "records"})
	if err != nil {
		t.Fatal(err)
	}
	if got := results[0].Artifacts[0].Files[0].SHA256; got != manifest.Digest([]byte("jello")) {
		t.Errorf("the digest is %s", got)
	}
}

// TestResultIsLookedForOnce: what is said to be unchanged is not built, even if
// somebody takes it away just then.
func TestResultIsLookedForOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, unchanged := range []bool{false, true} {
		tr := &trace{}
		thief := when(event.PhaseEnd, "inputs", func() error {
			if unchanged {
				return os.Remove("out")
			}
			return nil
		})
		results, err := planned(t, tr, readOnce, Options{}).Run(t.Context(), RunOptions{Sink: thief, Records: "records"})
		if err != nil || results[0].Unchanged != unchanged {
			t.Errorf("unchanged: %v, %v", results[0].Unchanged, err)
		}
	}
}

// when does something when an event comes.
func when(kind event.Type, phase string, do func() error) event.Sink {
	return sinkFunc(func(e event.Event) {
		if e.Type == kind && e.Phase == phase {
			if err := do(); err != nil {
				panic(err)
			}
		}
	})
}
