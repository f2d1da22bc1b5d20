// Command library runs a template with a builder of its own, and shows what happens in
// its own way. It is a module of its own, as a program of yours would be.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/builtin"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// greeter is a builder: what it makes is a greeting.
type greeter struct{ name string }

func (g *greeter) ConfigSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{"name": &hcldec.AttrSpec{Name: "name", Type: cty.String, Required: true}}
}

func (g *greeter) Prepare(configs ...any) (generated, warnings []string, err error) {
	for _, c := range configs {
		if config, ok := c.(cty.Value); ok {
			g.name = config.GetAttr("name").AsString()
		}
	}
	return nil, nil, nil
}

func (g *greeter) Run(_ context.Context, ui packer.Ui, _ packer.Hook) (packer.Artifact, error) {
	ui.Say("Hello, " + g.name + "!")
	return &packer.MockArtifact{IdValue: "greeting for " + g.name, FilesValue: []string{}}, nil
}

// screen shows events.
type screen struct{}

func (screen) Emit(e event.Event) { fmt.Printf("%-10s %-12s %s\n", e.Build, e.Type, e.Text) }

func run(ctx context.Context, path string) error {
	template, err := pipeline.Parse(path, pipeline.Input{Environ: os.Environ()})
	if err != nil {
		return err
	}
	own := pipeline.Registry{Builders: map[string]pipeline.Factory[packer.Builder]{
		"greeter": pipeline.Local(func() packer.Builder { return new(greeter) }),
	}}
	plan, err := template.Plan(ctx, builtin.Registry().With(own), pipeline.Options{})
	if err != nil {
		return err
	}
	defer plan.Close()
	results, err := plan.Run(ctx, pipeline.RunOptions{Sink: screen{}})
	for _, r := range results {
		for _, a := range r.Artifacts {
			fmt.Println(r.Build, "made", a.ID)
		}
	}
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
