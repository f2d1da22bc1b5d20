package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepFinish makes one disk of the overlay and its base, checks it and puts it
// in place.
type stepFinish struct{ *build }

func (s *stepFinish) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "disk", "one file, without its base")
	err := s.finish(ctx, phase)
	if phase.End(event.OK, s.finalDisk(), err) != nil {
		return fail(state, err)
	}
	return multistep.ActionContinue
}

func (s *stepFinish) finish(ctx context.Context, phase *event.Phase) error {
	err := qemuimg.Convert(ctx, qemuimg.Conversion{
		Source: s.overlay(), SourceFormat: "qcow2", Target: s.disk(),
	}, func(permille int64) { phase.Progress(permille, 1000, event.Permille) })
	if err != nil {
		return err
	}
	if err := qemuimg.Check(ctx, s.disk()); err != nil {
		return err
	}
	if err := s.takeData(); err != nil {
		return err
	}
	for _, path := range []string{s.overlay(), s.console(), s.seed()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.output.Commit(); err != nil {
		return err
	}
	s.finished = artifactFiles{s.finalDisk()}
	return nil
}

// takeData reads what provisioners have told of a disk with data.
func (s *stepFinish) takeData() error {
	told, err := regular.ReadFile(filepath.Join(s.beside(), component.DataDiskFile), regular.Document)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading what the provisioners made: %w", err)
	}
	s.data = string(told)
	return os.RemoveAll(s.beside())
}

func (s *stepFinish) Cleanup(multistep.StateBag) {}
