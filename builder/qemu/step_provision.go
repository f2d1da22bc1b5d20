package qemu

import (
	"context"
	"fmt"
	"os"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepProvision runs the provisioners, by the SDK's own step. When one fails the guest can be
// looked into.
type stepProvision struct {
	*build
	commonsteps.StepProvision
}

func (s *stepProvision) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	action := s.StepProvision.Run(ctx, state)
	if action == multistep.ActionContinue || s.stopped() || ctx.Err() != nil {
		return action
	}
	if s.config.KeepOnFailure || s.config.PackerOnError == "ask" {
		s.offer(ctx, state)
	}
	return action
}

// offer tells how to get into the guest, and with keep_on_failure waits until somebody has
// seen enough.
func (s *stepProvision) offer(ctx context.Context, state multistep.StateBag) {
	say := func(text string) { s.sink.Emit(event.Event{Type: event.Message, Text: text}) }
	line, err := s.sshLine()
	if err != nil {
		say(err.Error())
		return
	}
	if err, ok := state.GetOk("error"); ok {
		say(fmt.Sprintf("a provisioner failed: %v", err))
	}
	say("the guest is still on: " + line)
	if !s.config.KeepOnFailure {
		return
	}
	s.expected.Store(true)
	say("shut it down, or press Ctrl-C, and the build ends")
	select {
	case <-s.vm.Exited():
	case <-ctx.Done():
	}
}

// keyPath is where the build's key lies for as long as a guest is looked into.
func (b *build) keyPath() string { return b.output.Path("guest.key") }

// sshLine is the command that logs in to the guest.
func (b *build) sshLine() (string, error) {
	port, err := b.sshPort()
	if err != nil {
		return "", err
	}
	words := []string{"ssh", "-p", fmt.Sprint(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"}
	if b.key != nil {
		if err := os.WriteFile(b.keyPath(), b.key.PEM, 0o600); err != nil {
			return "", fmt.Errorf("keeping the key of the guest: %w", err)
		}
		words = append(words, "-i", shellescape.Quote(b.keyPath()))
	}
	return strings.Join(append(words, shellescape.Quote(b.config.Comm.SSHUsername+"@"+b.sshHost())), " "), nil
}
