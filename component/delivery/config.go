// Package delivery is the settings that the post-processors that make images have in
// common.
package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Config is the settings of a post-processor that makes an image.
type Config struct {
	// The directory of the image. One that an earlier build made is replaced
	// when the new image is whole and tested; any other is an error.
	OutputDirectory string `mapstructure:"output_directory"`
	// The image's name; its disk is this with ".qcow2".
	ImageName string `mapstructure:"image_name"`
	// The accelerators to choose from, the builder's choice by default, else
	// ["kvm", "tcg"]: the first that no later one beats in a timed probe.
	Accelerators []string `mapstructure:"accelerators"`
	// Fail rather than emulate.
	RequireAcceleration bool `mapstructure:"require_acceleration"`
	// The machine's memory in MiB, the builder's by default, else 2048.
	Memory int `mapstructure:"memory"`
	// The number of the machine's processors, the builder's by default, else 2.
	CPUs int `mapstructure:"cpus"`
	// What the image is boot-tested on, all that boots machines of its architecture
	// by default: ["bios", "uefi"], or ["uefi"] for arm64.
	Firmwares []string `mapstructure:"firmwares"`
	// Keep all that the boot test saw in the output directory, in boot-test.
	// Without it a passed test leaves its report and a screenshot, and only a
	// failed one leaves everything.
	KeepEvidence bool `mapstructure:"keep_evidence"`
}

// imageName is what is a good name for a file everywhere.
var imageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$`)

// Prepare fills in what is missing and returns every fault.
func (c *Config) Prepare(directory, name string) []error {
	if c.OutputDirectory == "" {
		c.OutputDirectory = directory
	}
	if c.ImageName == "" {
		c.ImageName = name
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	faults = append(faults, CheckName(c.ImageName))
	if c.Memory != 0 && c.Memory < 256 {
		fault("memory: %d MiB is too little (at least 256)", c.Memory)
	}
	if c.CPUs < 0 || c.CPUs > 255 {
		fault("cpus: %d is not between 1 and 255", c.CPUs)
	}
	faults = append(faults, known("firmwares", c.Firmwares, string(qemu.BIOS), string(qemu.UEFI)))
	faults = append(faults, known("accelerators", c.Accelerators, string(qemu.KVM), string(qemu.TCG)))
	return slices.DeleteFunc(faults, func(err error) bool { return err == nil })
}

// CheckName returns an error that says why a name can't be that of an image.
func CheckName(name string) error {
	if !imageName.MatchString(name) {
		return fmt.Errorf("image_name: %q is not a file name of letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

// known checks that every value of a list is one of choices, and there once.
func known(field string, values []string, choices ...string) error {
	var faults []error
	for i, value := range values {
		switch {
		case !slices.Contains(choices, value):
			faults = append(faults, fmt.Errorf("%s: %q is not known (known: %s)", field, value, strings.Join(choices, ", ")))
		case slices.Contains(values[:i], value):
			faults = append(faults, fmt.Errorf("%s: %q is there twice", field, value))
		}
	}
	return errors.Join(faults...)
}

// Fingerprint returns a digest of the settings, of the checks that an image
// must pass, and of further parts.
func (c *Config) Fingerprint(parts ...string) (string, error) {
	settings, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("describing the settings: %w", err)
	}
	return cache.Key(append([]string{boottest.Recipe, string(settings)}, parts...)...), nil
}
