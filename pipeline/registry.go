// Package pipeline is the image build pipeline as a library: an HCL2 template
// of Packer's language is parsed, made into a [Plan] and run. The components
// that do the work come from a [Registry]; the pipeline knows their interfaces
// alone, so that components of this process and of plugins are alike to it.
//
//	template, err := pipeline.Parse("examples/amigo", pipeline.Input{})
//	plan, err := template.Plan(registry, pipeline.Selection{})
//	result, err := plan.Run(ctx, pipeline.Run{Sink: sink})
package pipeline

import (
	"context"
	"maps"
	"slices"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// CompatibleVersion is the version of Packer whose templates the pipeline
// understands. A template's required_version is checked against it, and it is
// the value of packer.version.
const CompatibleVersion = "1.11.0"

// Registry makes components by the name that templates use. Each call of a
// factory returns a new instance; an instance that is an [io.Closer] is closed
// when it is not needed any more.
type Registry struct {
	Builders       map[string]func() packersdk.Builder
	Provisioners   map[string]func() packersdk.Provisioner
	PostProcessors map[string]func() packersdk.PostProcessor
}

// Fingerprinter is a component that knows what decides its result.
// Fingerprint returns a digest of everything that does: configuration, files,
// versions of packages; or "" if this configuration cannot be foreseen, and the
// build is always run. It is called after Prepare or Configure. A build whose
// components all implement it is not run again while nothing has changed.
type Fingerprinter interface {
	Fingerprint(ctx context.Context) (string, error)
}

// Foreseer is a builder that has to look things up to know what decides its
// result, like the versions in a package archive, and needs them again when it
// runs. Foresee returns the digest that Fingerprint would, with a builder for
// which all that is settled. The pipeline runs that one: nothing is asked twice,
// and what is remembered under the digest is what was made of it.
type Foreseer interface {
	Foresee(ctx context.Context) (builder packersdk.Builder, digest string, err error)
}

// kind is what a component is, in the words of templates.
type kind string

const (
	kindBuilder       kind = "source"
	kindProvisioner   kind = "provisioner"
	kindPostProcessor kind = "post-processor"
)

func (r Registry) names(k kind) []string {
	switch k {
	case kindBuilder:
		return slices.Sorted(maps.Keys(r.Builders))
	case kindProvisioner:
		return slices.Sorted(maps.Keys(r.Provisioners))
	default:
		return slices.Sorted(maps.Keys(r.PostProcessors))
	}
}

// make returns a new component of a kind, or nil if there is none of the name.
func (r Registry) make(k kind, name string) packersdk.HCL2Speccer {
	switch k {
	case kindBuilder:
		if f, ok := r.Builders[name]; ok {
			return f()
		}
	case kindProvisioner:
		if f, ok := r.Provisioners[name]; ok {
			return f()
		}
	case kindPostProcessor:
		if f, ok := r.PostProcessors[name]; ok {
			return f()
		}
	}
	return nil
}
