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
	for _, disk := range s.disks() {
		if err := s.convert(ctx, disk, phase); err != nil {
			return err
		}
	}
	if err := s.takeData(); err != nil {
		return err
	}
	for _, path := range []string{s.console(), s.seed()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.output.Commit(); err != nil {
		return err
	}
	for _, disk := range s.disks() {
		s.finished = append(s.finished, filepath.Join(s.output.Final(), disk.final))
	}
	return nil
}

// convert makes the file of a disk, and removes what the guest wrote to.
func (s *stepFinish) convert(ctx context.Context, disk built, phase *event.Phase) error {
	target := s.output.Path(disk.final)
	err := qemuimg.Convert(ctx, qemuimg.Conversion{
		Source: disk.work, SourceFormat: "qcow2", Target: target, TargetFormat: s.config.Format, Compressed: s.config.DiskCompression,
	}, func(permille int64) { phase.Progress(permille, 1000, event.Permille) })
	if err == nil && s.config.Format == "qcow2" {
		err = qemuimg.Check(ctx, target)
	}
	if err != nil {
		return err
	}
	return os.Remove(disk.work)
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
