package qemu

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepPrepareOutput makes the directory in which the disk grows.
type stepPrepareOutput struct{ *build }

func (s *stepPrepareOutput) Run(_ context.Context, state multistep.StateBag) multistep.StepAction {
	dir, err := outdir.Create(s.config.OutputDirectory)
	if err != nil {
		return fail(state, err)
	}
	s.output = dir
	if err := os.Mkdir(s.beside(), 0o755); err != nil {
		return fail(state, fmt.Errorf("preparing the output directory: %w", err))
	}
	return multistep.ActionContinue
}

func (s *stepPrepareOutput) Cleanup(multistep.StateBag) {
	if s.output == nil {
		return
	}
	if err := s.output.Discard(); err != nil {
		s.sink.Emit(event.Event{Type: event.Warning, Text: err.Error()})
	}
}
