package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	shared "github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// File is a file of a finished artifact.
type File struct {
	Path    string    `json:"path"`
	Size    int64     `json:"size"` // bytes
	ModTime time.Time `json:"mtime"`
	SHA256  string    `json:"sha256,omitempty"` // empty: not computed

	read manifest.Reading // by who made it, if that is known
}

// record remembers what a build made, under the digest of what decided it.
// The zero value remembers nothing.
type record struct {
	path   string
	force  bool    // what is remembered does not count
	inputs []input // that decide the result
	last   string  // path of the inputs of the last build of this name
}

// outlook is what a build is before it runs: there already, or to be made.
type outlook struct {
	record    record
	unchanged bool
	artifacts []Artifact        // of the earlier build, if nothing has changed
	builder   packersdk.Builder // that makes it; nil: the planned one
	takeUp    takeUp            // what the builder made is remembered there
}

// lookAhead finds out whether a run's build has to be made.
func (r *buildRun) lookAhead(ctx context.Context) (outlook, error) {
	if r.options.Records == "" || !r.build.foreseeable() {
		return outlook{}, nil
	}
	u := r.ui(r.build.builder)
	phase := event.Start(sinkFunc(u.emit), "inputs", "what decides the result")
	expected, err := foresee(ctx, r.build, r.options.Engine)
	if err != nil {
		// What can't be looked at can't be built from: better now than after a
		// guest has booted.
		return outlook{}, phase.End(event.Failed, "", err)
	}
	if len(expected.inputs) == 0 {
		return outlook{builder: expected.builder}, phase.End(event.OK, "not all can be foreseen, to be built", nil)
	}
	found := outlook{record: r.recordOf(expected.inputs), builder: expected.builder, takeUp: r.takeUpOf(expected.inputs)}
	if found.artifacts, found.unchanged = found.record.find(); found.unchanged {
		return found, phase.End(event.Cached, "nothing changed", nil)
	}
	if builder, made := found.takeUp.find(r.planned(expected.builder)); builder != nil {
		found.builder = builder
		return found, phase.End(event.Cached, "the disk that was made at "+made.Format("15:04 on 2006-01-02")+" is taken up", nil)
	}
	return found, phase.End(event.OK, "to be built: "+found.record.why(), nil)
}

// recordOf returns the record of a build that the inputs decide.
func (r *buildRun) recordOf(inputs []input) record {
	return record{
		path:   filepath.Join(r.options.Records, keyOf(inputs)+".json"),
		last:   filepath.Join(r.options.Records, cache.Key("last", inputs[1].Digest, inputs[2].Digest)+".json"),
		inputs: inputs, force: r.plan.options.Force,
	}
}

// why says why a build is made.
func (r record) why() string {
	var before []input
	text, err := regular.ReadFile(r.last, regular.Document)
	switch {
	case r.force:
		return "--force"
	case err != nil || json.Unmarshal(text, &before) != nil:
		return "the first time here"
	}
	if names := changed(before, r.inputs); len(names) > 0 {
		return strings.Join(names, ", ") + " changed"
	}
	return "its files are gone or altered"
}

// find returns the artifacts of an earlier build, if all their files are still
// what they were.
func (r record) find() ([]Artifact, bool) {
	if r.path == "" || r.force {
		return nil, false
	}
	text, err := regular.ReadFile(r.path, regular.Document)
	if err != nil {
		return nil, false
	}
	var artifacts []Artifact
	if json.Unmarshal(text, &artifacts) != nil {
		return nil, false
	}
	for _, a := range artifacts {
		for _, f := range a.Files {
			if !f.unchanged() {
				return nil, false
			}
		}
	}
	// Whoever clears the cache by age goes by it; that it fails costs a build.
	now := time.Now()
	_, _ = os.Chtimes(r.path, now, now), os.Chtimes(r.last, now, now)
	return artifacts, true
}

// silent takes the progress of a digest that nobody waits for.
func silent(_, _ int64) {}

// untouched reports whether the file still has its size and time. That is enough for
// a file that can be made again.
func (f File) untouched() bool {
	info, err := os.Stat(f.Path)
	return err == nil && info.Size() == f.Size && info.ModTime().Equal(f.ModTime)
}

// unchanged reports whether the file still holds what it held, whatever its time.
func (f File) unchanged() bool {
	if f.untouched() {
		return true
	}
	info, err := os.Stat(f.Path)
	if err != nil || info.Size() != f.Size {
		return false
	}
	_, sum, err := manifest.DigestFile(f.Path, silent)
	return err == nil && sum == f.SHA256
}

// keep remembers artifacts and returns them with the digests of their files.
// Artifacts that are not files cannot be checked, so they are not remembered.
func (r record) keep(artifacts []Artifact) ([]Artifact, error) {
	files := 0
	for _, a := range artifacts {
		files += len(a.Files)
	}
	if r.path == "" || files == 0 {
		return artifacts, nil
	}
	digested := slices.Clone(artifacts)
	for i, a := range artifacts {
		var err error
		if digested[i].Files, err = digests(a.Files); err != nil {
			return artifacts, fmt.Errorf("remembering the build: %w", err)
		}
	}
	return digested, r.write(digested)
}

// digests returns files with their digests. What was read when it was made, and
// has not changed since, is not read again: a disk takes long.
func digests(files []File) ([]File, error) {
	digested := slices.Clone(files)
	for i, f := range files {
		read, err := f.read.Of(f.Path, silent)
		if err != nil {
			return nil, err
		}
		digested[i].SHA256 = read.SHA256
	}
	return digested, nil
}

func (r record) write(artifacts []Artifact) error {
	if err := errors.Join(durable.WriteJSON(r.path, artifacts), durable.WriteJSON(r.last, r.inputs)); err != nil {
		return fmt.Errorf("remembering the build: %w", err)
	}
	return nil
}

// describe returns what is to be told of artifacts. A file that two of them
// have is listed with the first.
func describe(artifacts []packersdk.Artifact) []Artifact {
	var all []Artifact
	var seen []string
	for _, a := range artifacts {
		d := Artifact{Builder: a.BuilderId(), ID: a.Id(), Text: a.String()}
		for _, name := range a.Files() {
			path, err := filepath.Abs(name)
			info, statErr := os.Stat(name)
			if err != nil || statErr != nil || info.IsDir() || slices.Contains(seen, path) {
				continue
			}
			seen = append(seen, path)
			d.Files = append(d.Files, File{Path: path, Size: info.Size(), ModTime: info.ModTime(), read: readingOf(a, path)})
		}
		all = append(all, d)
	}
	return all
}

// readingOf returns what an artifact knows of the content of one of its files:
// it knows that of its disk alone.
func readingOf(a packersdk.Artifact, path string) manifest.Reading {
	if disk, _ := a.State(shared.StateDisk).(string); disk != path {
		return manifest.Reading{}
	}
	text, _ := a.State(shared.StateReading).(string)
	return manifest.ParseReading(text)
}
