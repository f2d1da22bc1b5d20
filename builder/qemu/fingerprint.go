package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
)

// Fingerprint returns a digest of all that decides what the build makes,
// the versions that the package archive has today included. It is "" if the
// base is whatever a URL has today.
func (b *Builder) Fingerprint(ctx context.Context) (string, error) {
	c, err := cache.Default()
	if err != nil {
		return "", err
	}
	config := b.config
	base, err := baseKey(ctx, c, &config)
	if err != nil || base == "" {
		return "", err
	}
	rest, err := json.Marshal([]any{config.diskSize, config.Firmware, config.VMName, config.OutputDirectory, config.CPUs, config.Memory})
	if err != nil {
		return "", fmt.Errorf("describing the build: %w", err)
	}
	return cache.Key(base, seal.Script, string(rest)), nil
}

func baseKey(ctx context.Context, c cache.Dir, config *Config) (string, error) {
	if config.DiskImage != nil {
		return imageKey(config.DiskImage)
	}
	plan, err := bootstrap.Resolve(ctx, c, config.spec())
	if err != nil {
		return "", err
	}
	return bootstrap.DiskKey(plan), nil
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
