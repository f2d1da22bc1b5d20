// Package pipeline is the image build pipeline as a library: an HCL2 template
// of Packer's language is parsed, made into a [Plan] and run. The components
// that do the work come from a [Registry]; the pipeline knows their interfaces
// alone, so that components of this process and of plugins are alike to it.
//
//	template, err := pipeline.Parse("examples/amigo", pipeline.Input{})
//	plan, err := template.Plan(ctx, registry, pipeline.Options{})
//	results, err := plan.Run(ctx, pipeline.RunOptions{Sink: sink})
package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// CompatibleVersion is the version of Packer whose templates the pipeline
// understands. A template's required_version is checked against it, and it is
// the value of packer.version.
const CompatibleVersion = "1.16.0"

// Registry makes components by the name that templates use.
type Registry struct {
	Builders       map[string]Factory[packersdk.Builder]
	Provisioners   map[string]Factory[packersdk.Provisioner]
	PostProcessors map[string]Factory[packersdk.PostProcessor]
	DataSources    map[string]Factory[packersdk.Datasource]
}

// Factory makes a component. Each call returns a new instance, since a component is
// prepared for one build. An instance that is an [io.Closer] is closed when it is not
// needed any more. A factory that starts a program may fail; it gives up when ctx is
// done, and the instance outlives ctx.
type Factory[Component any] func(ctx context.Context) (Component, error)

// Local returns the factory of a component of this process.
func Local[Component any](create func() Component) Factory[Component] {
	return func(context.Context) (Component, error) { return create(), nil }
}

// Provides reports whether the registry has a component of a plugin: one whose name is
// the plugin's, or begins with it and a dash.
func (r Registry) Provides(plugin string) bool {
	for _, k := range []kind{kindBuilder, kindProvisioner, kindPostProcessor, kindDataSource} {
		for _, name := range r.names(k) {
			if name == plugin || strings.HasPrefix(name, plugin+"-") {
				return true
			}
		}
	}
	return false
}

// With returns a registry with the components of both. Where both have a name, it
// stands for the other's.
func (r Registry) With(other Registry) Registry {
	return Registry{
		Builders:       merged(r.Builders, other.Builders),
		Provisioners:   merged(r.Provisioners, other.Provisioners),
		PostProcessors: merged(r.PostProcessors, other.PostProcessors),
		DataSources:    merged(r.DataSources, other.DataSources),
	}
}

func merged[Component any](a, b map[string]Factory[Component]) map[string]Factory[Component] {
	both := map[string]Factory[Component]{}
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
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
	kindDataSource    kind = "data source"
)

func (r Registry) names(k kind) []string {
	switch k {
	case kindBuilder:
		return slices.Sorted(maps.Keys(r.Builders))
	case kindProvisioner:
		return slices.Sorted(maps.Keys(r.Provisioners))
	case kindPostProcessor:
		return slices.Sorted(maps.Keys(r.PostProcessors))
	default:
		return slices.Sorted(maps.Keys(r.DataSources))
	}
}

// factory returns what makes components of a kind and name, or nil if nothing does.
func (r Registry) factory(k kind, name string) Factory[packersdk.HCL2Speccer] {
	switch k {
	case kindBuilder:
		return speccer(r.Builders[name])
	case kindProvisioner:
		return speccer(r.Provisioners[name])
	case kindPostProcessor:
		return speccer(r.PostProcessors[name])
	default:
		return speccer(r.DataSources[name])
	}
}

// speccer returns a factory of what components have in common, or nil for nil.
func speccer[Component packersdk.HCL2Speccer](f Factory[Component]) Factory[packersdk.HCL2Speccer] {
	if f == nil {
		return nil
	}
	return func(ctx context.Context) (packersdk.HCL2Speccer, error) { return f(ctx) }
}

// unknown says that nothing makes components of a kind and name.
func (r Registry) unknown(k kind, name string, where hcl.Range) hcl.Diagnostics {
	return hcl.Diagnostics{errorAt(where, fmt.Sprintf("Unknown %s type %q", k, name),
		"There is no %s of type %q. %s", k, name, suggest(name, r.names(k)))}
}
