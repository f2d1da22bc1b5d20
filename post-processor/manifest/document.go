package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
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
	unlock, err := lock(ctx, filepath.Dir(path))
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
	return d.write(path)
}

func read(path string) (d document, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("it is there, but is no manifest (remove it, or set output): %w", err)
	}
	return d, nil
}

func (d document) write(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".partial", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".partial", path)
}

// lock locks a directory, which leaves no file behind.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
