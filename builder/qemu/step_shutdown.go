package qemu

import (
	"context"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// screenshotTime bounds a screenshot of a guest that may be dead.
const screenshotTime = 5 * time.Second

// stepShutdown ends the guest as its power button would. A guest that has to
// be killed is not an image.
type stepShutdown struct{ *build }

func (s *stepShutdown) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "shutdown", "")
	s.expected.Store(true)
	err := s.vm.PowerDown(ctx, s.config.ShutdownTimeout)
	if phase.End(event.OK, "clean", err) != nil {
		return fail(state, err)
	}
	return multistep.ActionContinue
}

func (s *stepShutdown) Cleanup(multistep.StateBag) {}
