package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

var digest = strings.Repeat("0123456789abcdef", 4)

// fourResults are those of a build with files, one without, one that failed and one that
// was stopped, with what their phases took.
func fourResults() ([]pipeline.Result, map[string][]phase) {
	var took phases
	for _, e := range []event.Event{
		{Build: "amigo-qemu.amigo", Phase: "base", Status: event.Cached, Elapsed: 100 * time.Millisecond},
		{Build: "amigo-qemu.amigo", Phase: "boot", Status: event.OK, Elapsed: 71 * time.Second},
		{Build: "amigo-qemu.amigo", Phase: "transfer", Status: event.OK, Elapsed: 2 * time.Second},
		{Build: "amigo-qemu.amigo", Phase: "transfer", Status: event.OK, Elapsed: 3 * time.Second},
		{Build: "amigo-qemu.amigo", Phase: "amigo-distribution", Status: event.OK, Elapsed: 242 * time.Second},
		{Build: "null.b", Phase: "世界世界世界世界世界世界世界世界", Status: event.OK, Elapsed: time.Second},
		{Build: "null.c", Phase: "shell-local", Status: event.Failed, Elapsed: time.Second},
		{Build: "null.d", Phase: "shell-local", Status: event.Failed, Elapsed: time.Second},
	} {
		e.Type = event.PhaseEnd
		took.Emit(e)
	}
	return []pipeline.Result{
		{Build: "amigo-qemu.amigo", Elapsed: 318 * time.Second, Artifacts: []pipeline.Artifact{{Files: []pipeline.File{
			{Path: "/out/amigo.qcow2", Size: 3 << 30, SHA256: digest}, {Path: "/out/manifest.json", Size: 2048},
		}}}},
		{Build: "null.b", Unchanged: true, Elapsed: time.Second, Artifacts: []pipeline.Artifact{{Text: "a machine in a cloud: ami-0123"}}},
		{Build: "null.c", Err: errors.New("no"), Elapsed: time.Second},
		{Build: "null.d", Err: fmt.Errorf("stopped: %w", context.Canceled), Elapsed: time.Second},
	}, took.of
}

func TestTables(t *testing.T) {
	results, of := fourResults()
	got := strings.Join(buildTable(results, of, 80), "\n") + "\n\n" + strings.Join(artifactTable(results, 80), "\n") + "\n"
	want := `BUILD             RESULT     TIME   PHASES
amigo-qemu.amigo  ok         5m18s  base 0.1 s cached, boot 71 s,
                                    transfer (2) 5.0 s,
                                    amigo-distribution 4m02s
null.b            unchanged  1.0 s  世界世界世界世界世界世.. 1.0 s
null.c            failed     1.0 s  shell-local 1.0 s failed
null.d            stopped    1.0 s  shell-local 1.0 s

ARTIFACT                        SIZE     SHA-256         BUILD
/out/amigo.qcow2                3.0 GiB  0123456789ab..  amigo-qemu.amigo
/out/manifest.json              2.0 KiB  -               amigo-qemu.amigo
a machine in a cloud: ami-0123  -        -               null.b
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTablesFit: whole digests where there is room, and no table where paths have none.
func TestTablesFit(t *testing.T) {
	results, of := fourResults()
	for width := 40; width < 200; width++ {
		lines := append(buildTable(results, of, width), artifactTable(results, width)...)
		for _, line := range lines {
			if wide := runewidth.StringWidth(line); wide >= width {
				t.Errorf("%d of %d columns: %s", wide, width, line)
			}
		}
		if whole := strings.Contains(strings.Join(lines, "\n"), digest); whole != (width >= 118) {
			t.Errorf("%d columns: the digest is whole: %v", width, whole)
		}
	}
	results[0].Artifacts[0].Files[0].Path = "/" + strings.Repeat("x", 80)
	if lines := artifactTable(results, 80); lines != nil {
		t.Errorf("a table with a path that has no room:\n%s", strings.Join(lines, "\n"))
	}
}
