package qemu

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// stepDownload brings a disk_image to the host, by the SDK's own step, which
// shows addresses as they are.
type stepDownload struct{ image *DiskImage }

func (s *stepDownload) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	ui := state.Get("ui").(packersdk.Ui)
	state.Put("ui", &discreetUi{Ui: ui, location: s.image.URL})
	defer state.Put("ui", ui)
	download := &commonsteps.StepDownload{
		Checksum: s.image.Checksum, Description: "base image", ResultKey: stateImage, Url: []string{s.image.URL},
	}
	action := download.Run(ctx, state)
	if err, ok := state.GetOk("error"); ok && address.HasSecret(s.image.URL) {
		state.Put("error", errors.New(address.Replace(err.(error).Error(), s.image.URL)))
	}
	return action
}

func (*stepDownload) Cleanup(multistep.StateBag) {}

// discreetUi shows an address without its secrets.
type discreetUi struct {
	packersdk.Ui
	location string
}

func (u *discreetUi) Say(text string)   { u.Ui.Say(address.Replace(text, u.location)) }
func (u *discreetUi) Error(text string) { u.Ui.Error(address.Replace(text, u.location)) }
func (u *discreetUi) Message(text string) {
	u.Ui.Say(address.Replace(text, u.location))
}
func (u *discreetUi) Sayf(format string, args ...any)   { u.Say(fmt.Sprintf(format, args...)) }
func (u *discreetUi) Errorf(format string, args ...any) { u.Error(fmt.Sprintf(format, args...)) }
