package image

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/delivery"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// Input is what a post-processor makes its image from.
type Input struct {
	Disk   string           // absolute path of a qcow2 file
	Read   manifest.Reading // of the disk, if who made it has read it
	Base   json.RawMessage
	Data   component.DataDisk // without a path, if the data are on the disk itself
	Arch   arch.Arch
	states map[string]any
}

// passed are the states that every artifact of ours hands on. They are read
// when the artifact is there: under Packer its process may be gone later.
var passed = []string{
	component.StateAccelerator, component.StateArch, component.StateBase, component.StateData, component.StateCPUs, component.StateMemory, "generated_data",
}

// ReadInput finds the disk of an artifact and what is known of it.
func ReadInput(ctx context.Context, artifact packersdk.Artifact) (Input, error) {
	path, err := diskOf(artifact)
	if err != nil {
		return Input{}, err
	}
	if _, err := qemuimg.Inspect(ctx, path, "qcow2"); err != nil {
		return Input{}, err
	}
	input := Input{Disk: path, Read: readingOf(artifact), states: map[string]any{}}
	for _, key := range passed {
		if value := artifact.State(key); value != nil {
			input.states[key] = value
		}
	}
	// Who does not tell knows of no other.
	if input.Arch, err = arch.Find(cmp.Or(input.text(component.StateArch), arch.AMD64.Name)); err != nil {
		return Input{}, fmt.Errorf("the artifact's architecture: %w", err)
	}
	if input.Data, err = component.DataDiskOf(artifact); err != nil {
		return Input{}, err
	}
	if base := input.text(component.StateBase); json.Valid([]byte(base)) {
		input.Base = json.RawMessage(base)
	}
	return input, nil
}

// diskOf takes a single qcow2 file for the disk where an artifact does not
// name one, so that disks of other builders can be used.
func diskOf(artifact packersdk.Artifact) (string, error) {
	path, _ := artifact.State(component.StateDisk).(string)
	if path == "" {
		var disks []string
		for _, file := range artifact.Files() {
			if filepath.Ext(file) == ".qcow2" {
				disks = append(disks, file)
			}
		}
		if len(disks) != 1 {
			return "", fmt.Errorf("the artifact %s has no disk (put this after a source of the type %s)", artifact.BuilderId(), component.Builder)
		}
		path = disks[0]
	}
	return filepath.Abs(path)
}

func (i Input) text(key string) string {
	text, _ := i.states[key].(string)
	return text
}

func (i Input) number(key string, fallback int) int {
	if n, err := strconv.Atoi(i.text(key)); err == nil && n > 0 {
		return n
	}
	return fallback
}

// Machine returns the machine to run the image on: what the settings say,
// else what the builder had.
func Machine(ctx context.Context, c delivery.Config, input Input, sink event.Sink) (deliver.Hardware, error) {
	machine := deliver.Hardware{Arch: input.Arch, CPUs: c.CPUs, MemoryMiB: c.Memory}
	if machine.CPUs == 0 {
		machine.CPUs = input.number(component.StateCPUs, 2)
	}
	if machine.MemoryMiB == 0 {
		machine.MemoryMiB = max(input.number(component.StateMemory, 2048), input.Data.MemoryMiB)
	}
	var err error
	machine.Accelerator, err = chooseAccelerator(ctx, c, input, sink)
	if err == nil && c.RequireAcceleration && machine.Accelerator == qemu.TCG {
		err = errors.New("require_acceleration: no accelerator on this host is faster than emulation (tcg) (see amigo-image doctor)")
	}
	return machine, err
}

func chooseAccelerator(ctx context.Context, c delivery.Config, input Input, sink event.Sink) (qemu.Accelerator, error) {
	chosen := qemu.Accelerator(input.text(component.StateAccelerator))
	if len(c.Accelerators) == 0 && (chosen == qemu.KVM || chosen == qemu.TCG) {
		return chosen, nil
	}
	candidates := []qemu.Accelerator{qemu.KVM, qemu.TCG}
	if len(c.Accelerators) > 0 {
		candidates = nil
		for _, name := range c.Accelerators {
			candidates = append(candidates, qemu.Accelerator(name))
		}
	}
	dir, err := cache.Default()
	if err != nil {
		return "", err
	}
	phase := event.Start(sink, "accelerator", fmt.Sprintf("timing %v", candidates))
	choice, err := accelerator.Choose(ctx, candidates, input.Arch, "", dir)
	status := event.OK
	if choice.Cached {
		status = event.Cached
	}
	return choice.Accelerator, phase.End(status, choice.String(), err)
}

// Firmwares returns what the image is tested on: all that its architecture has, unless the
// settings name some of them.
func Firmwares(c delivery.Config, a arch.Arch) ([]qemu.Firmware, error) {
	if len(c.Firmwares) == 0 {
		return qemu.Firmwares(a), nil
	}
	list := make([]qemu.Firmware, len(c.Firmwares))
	for i, name := range c.Firmwares {
		list[i] = qemu.Firmware(name)
		if err := qemu.CheckFirmware(list[i], a); err != nil {
			return nil, fmt.Errorf("firmwares: %w", err)
		}
	}
	return list, nil
}

// Tool says what makes the image.
func Tool(ctx context.Context, a arch.Arch) (manifest.Tool, error) {
	qemuVersion, err := qemu.Version(ctx, a.Emulator())
	return manifest.Tool{Name: "packer-plugin-amigo", Version: version.String(), QEMU: qemuVersion}, err
}

// readingOf returns what an artifact knows of its disk's content; the zero value if it
// knows nothing.
func readingOf(a packersdk.Artifact) manifest.Reading {
	text, _ := a.State(component.StateReading).(string)
	return manifest.ParseReading(text)
}
