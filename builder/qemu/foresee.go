package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
)

// Foresee returns a builder that makes the base of the packages that the archive
// has today, and a digest of all that decides what it builds, their versions
// included. The digest is "" if the base is whatever a URL has today.
func (b *Builder) Foresee(ctx context.Context) (packersdk.Builder, string, error) {
	settled := &Builder{config: b.config}
	if b.config.DiskImage != nil {
		base, err := imageKey(b.config.DiskImage)
		if err != nil || base == "" {
			return settled, "", err
		}
		digest, err := b.config.digest(base)
		return settled, digest, err
	}
	c, err := cache.Default()
	if err != nil {
		return nil, "", err
	}
	plan, err := bootstrap.Resolve(ctx, c, b.config.spec())
	if err != nil {
		return nil, "", err
	}
	settled.plan = &plan
	digest, err := b.config.digest(bootstrap.DiskKey(plan))
	return settled, digest, err
}

// digest returns the digest of what is made on the base of the given key.
func (c *Config) digest(base string) (string, error) {
	hardware := c.Hardware
	// How fast the guest is built does not decide what it becomes.
	hardware.Accelerators, hardware.Accelerator, hardware.RequireAcceleration, hardware.QemuBinary = nil, "", false, ""
	rest, err := json.Marshal([]any{hardware, c.Storage, c.VMName, c.OutputDirectory})
	if err != nil {
		return "", fmt.Errorf("describing the build: %w", err)
	}
	return cache.Key(base, seal.Script(), string(rest)), nil
}

// imageKey trusts a checksum; a file without one is known by its size and
// time, and what a URL without one has is not known.
func imageKey(image *DiskImage) (string, error) {
	if image.Checksum != "none" {
		return cache.Key(image.Checksum), nil
	}
	if strings.Contains(image.URL, "://") {
		return "", nil
	}
	info, err := os.Stat(image.URL)
	if err != nil {
		return "", fmt.Errorf("disk_image.url without a checksum: %w", err)
	}
	return cache.Key(image.URL, fmt.Sprint(info.Size()), info.ModTime().UTC().String()), nil
}
