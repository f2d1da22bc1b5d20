package plugin

import (
	"context"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/rpc"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// Registry returns the components of a plugin by their names in templates, of which
// accessor is the beginning: the name that required_plugins gives the plugin, or else
// its own. Each instance of a component is a process. log gets the lines of the plugin's
// log, from several goroutines; it may be nil.
func (p Plugin) Registry(accessor string, log func(line string)) pipeline.Registry {
	r := pipeline.Registry{
		Builders:       map[string]pipeline.Factory[packersdk.Builder]{},
		Provisioners:   map[string]pipeline.Factory[packersdk.Provisioner]{},
		PostProcessors: map[string]pipeline.Factory[packersdk.PostProcessor]{},
		DataSources:    map[string]pipeline.Factory[packersdk.Datasource]{},
	}
	for _, name := range p.Builders {
		r.Builders[component(accessor, name)] = factory(p, builderKind, name, log, func(proc *process, c *rpc.Client) packersdk.Builder {
			return &builder{proc, c.Builder()}
		})
	}
	for _, name := range p.Provisioners {
		r.Provisioners[component(accessor, name)] = factory(p, provisionerKind, name, log, func(proc *process, c *rpc.Client) packersdk.Provisioner {
			return &provisioner{proc, c.Provisioner()}
		})
	}
	for _, name := range p.PostProcessors {
		r.PostProcessors[component(accessor, name)] = factory(p, postProcessorKind, name, log, func(proc *process, c *rpc.Client) packersdk.PostProcessor {
			return &postProcessor{proc, c.PostProcessor()}
		})
	}
	for _, name := range p.DataSources {
		r.DataSources[component(accessor, name)] = factory(p, dataSourceKind, name, log, func(proc *process, c *rpc.Client) packersdk.Datasource {
			return &dataSource{proc, c.Datasource()}
		})
	}
	return r
}

// factory returns what starts the plugin for a component.
func factory[Component any](p Plugin, k kind, name string, log func(string), of func(*process, *rpc.Client) Component) pipeline.Factory[Component] {
	return func(ctx context.Context) (Component, error) {
		proc, err := start(ctx, p, k, name, log)
		if err != nil {
			var none Component
			return none, err
		}
		return of(proc, proc.client), nil
	}
}
