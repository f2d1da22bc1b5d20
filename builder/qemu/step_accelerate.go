package qemu

import (
	"context"
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/packerbuilderdata"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepAccelerate chooses the accelerator.
type stepAccelerate struct{ *build }

func (s *stepAccelerate) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "accelerator", "timing "+fmt.Sprint(s.config.Accelerators))
	choice, err := s.choose(ctx)
	status := event.OK
	if choice.Cached {
		status = event.Cached
	}
	if phase.End(status, choice.String(), err) != nil {
		return fail(state, err)
	}
	if !choice.Accelerated() {
		s.sink.Emit(event.Event{Type: event.Warning, Text: "the guest is emulated, 10 to 20 times slower than this host"})
	}
	s.choice = choice
	data := packerbuilderdata.GeneratedData{State: state}
	data.Put(component.DataAccelerator, string(choice.Accelerator))
	return multistep.ActionContinue
}

func (s *stepAccelerate) choose(ctx context.Context) (accelerator.Choice, error) {
	choice, err := accelerator.Choose(ctx, s.config.accelerators(), s.config.arch(), s.config.QemuBinary, s.cache)
	if err == nil && s.config.RequireAcceleration && !choice.Accelerated() {
		err = &fault.Error{
			What: "require_acceleration: no accelerator on this host is faster than emulation: " + choice.String(),
			Do:   fault.To(fault.Diagnose), Code: fault.Host,
		}
	}
	return choice, err
}

func (s *stepAccelerate) Cleanup(multistep.StateBag) {}
