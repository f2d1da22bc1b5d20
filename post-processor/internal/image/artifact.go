// Package image is what the post-processors that make images do alike: they find
// their input, choose a machine, and return an artifact.
package image

import (
	"fmt"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
)

// Artifact is a delivered image.
type Artifact struct {
	builderID string
	name      string
	delivery  deliver.Delivery
	states    map[string]any
}

var _ packersdk.Artifact = (*Artifact)(nil)

// NewArtifact returns the artifact of a delivered image that was made from
// input by the component.
func NewArtifact(componentName, imageName string, input Input, delivery deliver.Delivery) *Artifact {
	states := map[string]any{component.StateDisk: delivery.Disk, component.StateReading: delivery.Read.Text()}
	for key, value := range input.states {
		states[key] = value
	}
	return &Artifact{builderID: "geneontology." + componentName, name: imageName, delivery: delivery, states: states}
}

// BuilderId names the kind of artifact.
func (a *Artifact) BuilderId() string { return a.builderID }

// Files returns the paths of the image and of what describes it.
func (a *Artifact) Files() []string { return a.delivery.Files }

// Id returns the image's name and the digest of its disk.
func (a *Artifact) Id() string { return a.name + "@sha256:" + a.delivery.Read.SHA256 }

func (a *Artifact) String() string {
	return fmt.Sprintf("boot-tested image: %s (sha256:%.12s)", a.delivery.Disk, a.delivery.Read.SHA256)
}

// State returns what is known of the image, by the keys in package component.
func (a *Artifact) State(name string) any { return a.states[name] }

// Destroy removes the image with its directory.
func (a *Artifact) Destroy() error { return outdir.Remove(a.delivery.Dir) }
