package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Restorer is a builder whose artifact a later run can take up, if what decides it
// is the same: when a post-processor has failed, what the builder and the
// provisioners did need not be done again.
type Restorer interface {
	packersdk.Builder
	// Restore returns the artifact that [Saver.Save] described. Its files are as
	// they were.
	Restore(saved []byte) (packersdk.Artifact, error)
}

// Saver is an artifact of a [Restorer].
type Saver interface {
	// Save describes the artifact as JSON.
	Save() ([]byte, error)
}

// takeUp is where a builder's artifact is remembered until the post-processors are
// done with it. The zero value remembers nothing.
type takeUp struct {
	path  string
	force bool
}

// takeUpOf is for the part of a build's inputs that decide the builder's artifact.
func (r *buildRun) takeUpOf(inputs []input) takeUp {
	makers := 1 + len(r.build.provisioners)
	if r.build.cleanup != nil {
		makers++
	}
	made := inputs[:general+perComponent*makers]
	return takeUp{path: filepath.Join(r.options.Records, cache.Key("made", keyOf(made))+".json"), force: r.plan.options.Force}
}

// remembered is the file of a [takeUp].
type remembered struct {
	Files    []File          `json:"files"`
	Artifact json.RawMessage `json:"artifact"`
}

// remember keeps what a builder made. Without it, the next run builds again.
func (t takeUp) remember(a packersdk.Artifact) {
	saver, ok := a.(Saver)
	if !ok || t.path == "" {
		return
	}
	saved, err := saver.Save()
	if err == nil {
		_ = durable.WriteSecretJSON(t.path, remembered{Files: describe([]packersdk.Artifact{a})[0].Files, Artifact: saved})
	}
}

// forget is for when nobody needs the artifact any more.
func (t takeUp) forget() {
	if t.path != "" {
		_ = os.Remove(t.path)
	}
}

// find returns the builder that gives what an earlier run made, or nil, and when
// that was.
func (t takeUp) find(b packersdk.Builder) (packersdk.Builder, time.Time) {
	restorer, ok := b.(Restorer)
	if !ok || t.path == "" || t.force {
		return nil, time.Time{}
	}
	text, err := regular.ReadFile(t.path, regular.Document)
	var was remembered
	if err != nil || json.Unmarshal(text, &was) != nil || len(was.Files) == 0 {
		return nil, time.Time{}
	}
	for _, f := range was.Files {
		if !f.untouched() {
			return nil, time.Time{}
		}
	}
	artifact, err := restorer.Restore(was.Artifact)
	if err != nil {
		return nil, time.Time{}
	}
	return &restored{Builder: b, artifact: artifact}, was.Files[0].ModTime
}

// restored is a builder that is done already.
type restored struct {
	packersdk.Builder
	artifact packersdk.Artifact
}

// Run returns the artifact, once.
func (r *restored) Run(_ context.Context, ui packersdk.Ui, _ packersdk.Hook) (packersdk.Artifact, error) {
	if r.artifact == nil {
		return nil, errors.New("the disk of the earlier run is used already")
	}
	ui.Say("post-processors had failed; their work goes on with " + r.artifact.String())
	artifact := r.artifact
	r.artifact = nil
	return artifact, nil
}
