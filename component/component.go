// Package component is what the project's Packer components share: the words
// they exchange through artifacts and generated data, and the way from the
// engine's events to Packer's user interface.
package component

import (
	"fmt"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Names of components in a template.
const (
	Builder      = "amigo-qemu"
	Provisioner  = "amigo"
	Distribution = "amigo-distribution"
	Production   = "amigo-production"
	Publish      = "amigo-publish"
	Data         = "amigo-data"
)

// Keys of an artifact's State. All values are strings, so that they survive
// Packer's RPC.
const (
	StateDisk        = "amigo_disk"         // path of the artifact's disk, a qcow2 file
	StateAccelerator = "amigo_accelerator"  // accelerator that the build chose: "kvm" or "tcg"
	StateBase        = "amigo_base"         // JSON: what the disk was made from
	StateArch        = "amigo_architecture" // of the machine: "amd64" or "arm64"
	StateCPUs        = "amigo_cpus"         // decimal
	StateMemory      = "amigo_memory"       // MiB, decimal
	StateData        = "amigo_data"         // JSON: the data's disk and memory, a [DataDisk], or ""
	StateReading     = "amigo_reading"      // JSON: what was found when the disk was read, a manifest.Reading
)

// Generated data that the builder gives to provisioners, in addition to Packer's own.
const (
	DataRootFS      = "AmigoRootFS"      // path on the host of a tar of a root file system to build AmiGO in, or ""
	DataAccelerator = "AmigoAccelerator" // "kvm" or "tcg"
	DataBeside      = "AmigoBeside"      // directory on the host for what provisioners tell the builder
)

// DataDiskFile is what a provisioner leaves in the directory of [DataBeside] if the guest
// needs a disk with data: a [DataDisk], as JSON.
const DataDiskFile = "data.json"

// Sink returns where the engine's events go when all there is is Packer's user
// interface. A user interface that is itself a sink gets the events as they are.
func Sink(ui packersdk.Ui) event.Sink {
	if own, ok := ui.(interface{ Events() event.Sink }); ok {
		return own.Events()
	}
	if sink, ok := ui.(event.Sink); ok {
		return sink
	}
	return &uiSink{ui: ui}
}

// uiSink turns events into the lines that Packer's users are used to.
type uiSink struct{ ui packersdk.Ui }

func (s *uiSink) Emit(e event.Event) {
	e.Text = address.ShownIn(e.Text)
	switch e.Type {
	case event.PhaseStart:
		s.ui.Say(join(e.Phase, e.Text))
	case event.PhaseEnd:
		s.end(e)
	case event.Message:
		s.ui.Say(e.Text)
	case event.Warning:
		s.ui.Error("warning: " + e.Text)
	case event.Detail, event.Progress:
		// Packer's log has the first from the plugin's standard error; the
		// second has no place in lines of text.
	}
}

func (s *uiSink) end(e event.Event) {
	if e.Status == event.Failed {
		return // Packer itself shows the error that ends a build
	}
	s.ui.Say(fmt.Sprintf("%s: %s %s(%s)", e.Phase, e.Status, pad(e.Text), e.Elapsed.Round(100*time.Millisecond)))
}

func join(phase, text string) string {
	if text == "" {
		return phase + "..."
	}
	return phase + ": " + text
}

func pad(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}
