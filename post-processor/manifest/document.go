package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// document is the file's content.
type document struct {
	Builds      []build `json:"builds"`
	LastRunUUID string  `json:"last_run_uuid"`
}

// build is an artifact of a build.
type build struct {
	Name       string            `json:"name"`
	Builder    string            `json:"builder_type"`
	Time       int64             `json:"build_time,omitempty"` // seconds since 1970
	Files      []listed          `json:"files"`
	ArtifactID string            `json:"artifact_id"`
	RunUUID    string            `json:"packer_run_uuid"`
	CustomData map[string]string `json:"custom_data"`
}

type listed struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
}

// add adds a build to the file at path. With force, builds of other runs are
// dropped. Other builds that do the same wait.
func add(ctx context.Context, path string, b build, force bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unlock, err := durable.Lock(ctx, filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	d, err := read(path)
	if err != nil {
		return err
	}
	if force && d.LastRunUUID != b.RunUUID {
		d = document{}
	}
	d.Builds = append(d.Builds, b)
	d.LastRunUUID = b.RunUUID
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(path, text, 0o644) // without a line end, as Packer writes it
}

func read(path string) (d document, err error) {
	text, err := regular.ReadFile(path, regular.Document)
	if errors.Is(err, os.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("it is there, but is not a manifest (remove it, or set output): %w", err)
	}
	return d, nil
}
