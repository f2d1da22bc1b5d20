package qemu

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// sealPath is in /run, which no image keeps.
const sealPath = "/run/amigo-seal"

// stepSeal takes the build's traces out of the guest.
type stepSeal struct{ *build }

func (s *stepSeal) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "seal", "removing keys, logs and caches")
	err := s.seal(ctx, communicatorOf(state))
	if phase.End(event.OK, "", err) != nil {
		return fail(state, err)
	}
	return multistep.ActionContinue
}

func (s *stepSeal) seal(ctx context.Context, comm packersdk.Communicator) error {
	if err := comm.Upload(sealPath, strings.NewReader(seal.Script()), nil); err != nil {
		return fmt.Errorf("sealing the guest: %w", err)
	}
	tail := event.NewTail(10)
	cmd := &packersdk.RemoteCmd{Command: s.sudo("sh -eu " + sealPath), Stdout: tail, Stderr: tail}
	if err := comm.Start(ctx, cmd); err != nil {
		return fmt.Errorf("sealing the guest: %w", err)
	}
	if status := cmd.Wait(); status != 0 {
		return errors.New("sealing the guest: " + tail.String())
	}
	return nil
}

// sudo lets a user other than root, as a disk_image may have, act as root.
func (b *build) sudo(command string) string {
	if b.config.Comm.SSHUsername == "root" {
		return command
	}
	return "sudo -n " + command
}

func (s *stepSeal) Cleanup(multistep.StateBag) {}
