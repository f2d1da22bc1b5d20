package harden

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/roottree"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Image boots the machine that options describe, makes the changes, seals it
// and shuts it down. Its disk holds the production image then.
func Image(ctx context.Context, options qemu.Options, set Settings, sink event.Sink) error {
	key, err := guest.NewKey("amigo-production")
	if err != nil {
		return err
	}
	options.Forward = []int{machine.SSHPort}
	vm, g, err := boot(ctx, options, key, sink)
	if err != nil {
		return err
	}
	defer vm.Close()
	defer func() { _ = g.Close() }()
	phase := event.Start(sink, "harden", "")
	return phase.End(event.OK, "", applyAndSeal(ctx, vm, g, set, phase))
}

func boot(ctx context.Context, options qemu.Options, key *guest.Key, sink event.Sink) (*machine.Machine, *guest.Guest, error) {
	phase := event.Start(sink, "boot", string(options.Accelerator))
	vm, err := machine.Start(ctx, options, key)
	if err != nil {
		return nil, nil, phase.End("", "", err)
	}
	g, err := vm.Login(ctx, "root")
	if err != nil {
		vm.Close()
		return nil, nil, phase.End("", "", err)
	}
	return vm, g, phase.End(event.OK, "", nil)
}

func applyAndSeal(ctx context.Context, vm *machine.Machine, g *guest.Guest, set Settings, phase *event.Phase) error {
	if err := Apply(ctx, g, set, phase); err != nil {
		return err
	}
	phase.Say("the machine is sealed and shuts down")
	if err := g.Run(ctx, seal.Script(), lines(phase)); err != nil {
		return fmt.Errorf("sealing the image: %w", err)
	}
	_, err := vm.ShutDown(ctx, vm.Button(), vm.Poweroff(g))
	return err
}

// Digest is the same for as long as the changes are.
func Digest(set Settings) (string, error) {
	archive, err := pack(nil, "")
	if err != nil {
		return "", err
	}
	parts := []string{string(archive), seal.Script(), distro.Digest(), firstBoot, roottree.Recipe()}
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
