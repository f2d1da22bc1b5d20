package harden

import (
	"context"
	"fmt"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Limits for a machine without acceleration; they end what is stuck.
const (
	sshTimeout      = 10 * time.Minute
	shutdownTimeout = 5 * time.Minute
)

const sshPort = 22

// Image boots the machine that options describe, makes the changes, seals it
// and shuts it down. Its disk holds the production image then.
func Image(ctx context.Context, options qemu.Options, set Settings, sink event.Sink) error {
	key, err := guest.NewKey("amigo-production")
	if err != nil {
		return err
	}
	options.AuthorizedKey = key.AuthorizedKey
	options.Forward = []int{sshPort}
	vm, g, err := boot(ctx, options, key, sink)
	if err != nil {
		return err
	}
	defer vm.Close()
	defer func() { _ = g.Close() }()
	phase := event.Start(sink, "harden", "")
	return phase.End(event.OK, "", applyAndSeal(ctx, vm, g, set, phase))
}

func boot(ctx context.Context, options qemu.Options, key *guest.Key, sink event.Sink) (*qemu.VM, *guest.Guest, error) {
	phase := event.Start(sink, "boot", string(options.Accelerator))
	vm, err := qemu.Start(ctx, options)
	if err != nil {
		return nil, nil, phase.End("", "", err)
	}
	g, err := guest.Dial(ctx, vm.Addr(sshPort), "root", key, sshTimeout, vm)
	if err != nil {
		vm.Close()
		return nil, nil, phase.End("", "", err)
	}
	return vm, g, phase.End(event.OK, "", nil)
}

func applyAndSeal(ctx context.Context, vm *qemu.VM, g *guest.Guest, set Settings, phase *event.Phase) error {
	if err := Apply(ctx, g, set, phase); err != nil {
		return err
	}
	phase.Say("the machine is sealed and shuts down")
	if err := g.Run(ctx, seal.Script(), lines(phase)); err != nil {
		return fmt.Errorf("sealing the image: %w", err)
	}
	return vm.PowerDown(ctx, shutdownTimeout)
}

// Digest is the same for as long as the changes are.
func Digest(set Settings) (string, error) {
	archive, err := pack(nil, "")
	if err != nil {
		return "", err
	}
	parts := []string{string(archive), seal.Script(), distro.Digest()}
	for _, name := range distro.Names() {
		system, err := distro.Find(name)
		if err != nil {
			return "", err
		}
		for _, release := range system.Releases {
			parts = append(parts, Script(Changes(Survey{Distro: system, Release: release}, set)))
		}
	}
	return cache.Key(parts...), nil
}
