package qemu

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stateImage is where StepDownload puts the path of a disk_image.
const stateImage = "disk_image_path"

// build is what the steps of one build share.
type build struct {
	config *Config
	plan   *bootstrap.Resolution // of the base's packages; nil: to be asked
	key    *guest.Key            // to log in with; nil: the settings have another way
	cache  cache.Dir
	sink   event.Sink
	cancel context.CancelCauseFunc
	// stopped tells whether somebody ended the build by hand.
	stopped func() bool

	choice   accelerator.Choice
	output   *outdir.Dir
	base     base
	vm       *machine.Machine
	expected atomic.Bool // the machine is meant to end
	ended    string      // how the guest was shut down
	finished artifactFiles
	data     string // what the provisioners told of a disk with data, or ""
}

// base is what the guest's disk starts from.
type base struct {
	Kind         string `json:"kind"` // "bootstrap" or "disk_image"
	Distribution string `json:"distribution,omitempty"`
	Release      string `json:"release,omitempty"`
	Architecture string `json:"architecture"`
	Digest       string `json:"digest"`
	Path         string `json:"-"`
	RootFS       string `json:"-"` // tar of one to build AmiGO in, or ""
}

// deadError says that the virtual machine ended when it was not meant to.
type deadError struct{ err error }

func (e *deadError) Error() string { return e.err.Error() }

func (e *deadError) Unwrap() error { return e.err }

// watch ends the build when the machine dies, instead of leaving it to wait
// for a guest that is gone.
func (b *build) watch(vm *machine.Machine) {
	<-vm.Exited()
	if !b.expected.Load() {
		b.cancel(&deadError{err: vm.Err()})
	}
}

// sshHost is where this host finds the guest.
func (b *build) sshHost() string { return cmp.Or(b.config.Comm.SSHHost, "127.0.0.1") }

func (b *build) sshPort() (int, error) {
	if b.config.SkipNatMapping {
		return b.config.guestPort(), nil
	}
	_, port, err := net.SplitHostPort(b.vm.Addr(b.config.guestPort()))
	if err != nil {
		return 0, fmt.Errorf("finding the guest's ssh port: %w", err)
	}
	return strconv.Atoi(port)
}

// evidence is where a failed build leaves the guest's console.
func (b *build) evidence() string { return b.output.Final() + ".evidence" }

func (b *build) console() string { return b.output.Path(engine.ConsoleName) }

func (b *build) overlay() string { return b.output.Path("overlay.qcow2") }

// beside is where provisioners leave what they tell.
func (b *build) beside() string { return b.output.Path("beside") }

func (b *build) seed() string { return b.output.Path("seed.img") }

// fail ends a step with an error.
func fail(state multistep.StateBag, err error) multistep.StepAction {
	state.Put("error", err)
	return multistep.ActionHalt
}

func communicatorOf(state multistep.StateBag) packersdk.Communicator {
	return state.Get("communicator").(packersdk.Communicator)
}
