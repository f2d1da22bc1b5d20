// Package amigo is the provisioner "amigo": it brings AmiGO and GOlr onto a
// running guest, over the communicator that it is given.
package amigo

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	engine "github.com/geneontology/packer-plugin-amigo/internal/amigo"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/buildcache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Provisioner is the provisioner. Its zero value is ready to be prepared.
type Provisioner struct{ config Config }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// Provision brings AmiGO to the guest. It can be run again on a guest that has
// AmiGO: then it changes what changed.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any) error {
	sink := component.Sink(ui)
	store, release, err := buildcache.Open(sink)
	if err != nil {
		return err
	}
	defer release()
	rootfs, _ := data[component.DataRootFS].(string)
	beside, _ := data[component.DataBeside].(string)
	if p.config.GOlr.On == engine.OnData && beside == "" {
		return field.Errorf("golr.on", "%q needs a source of the type %s", engine.OnData, component.Builder)
	}
	settings := p.config.engine()
	if settings.On == engine.OnAuto && beside == "" {
		settings.On = engine.OnSystem
	}
	made, err := engine.Provision(ctx, settings, &guest{comm: comm}, rootfs, store, sink)
	if err != nil || beside == "" {
		return field.Map(err, attributes)
	}
	disk := component.DataDisk{MemoryMiB: made.MemoryMiB}
	if made.Data != nil {
		disk.Path = made.Data.Path
		if disk.GOlr, err = json.Marshal(made.Data.About.GOlr); err != nil {
			return fmt.Errorf("telling of the data: %w", err)
		}
	}
	return durable.WriteJSON(filepath.Join(beside, component.DataDiskFile), disk)
}

// Fingerprint returns a digest of all that decides what the provisioner does,
// for who wants to know whether a build would change anything.
func (p *Provisioner) Fingerprint(ctx context.Context) (string, error) {
	store, err := cache.Default()
	if err != nil {
		return "", err
	}
	return p.config.engine().Digest(ctx, store)
}
