package pipeline

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// foreseeable tells whether every component of b knows what decides its
// result.
func (b *Build) foreseeable() bool {
	for _, c := range b.components() {
		switch c.instance.(type) {
		case Fingerprinter, Foreseer:
		default:
			return false
		}
	}
	return true
}

// input is something that decides a build's result.
type input struct {
	Name   string `json:"name"` // for people
	Digest string `json:"digest"`
}

// forecast is what is known of a build before it runs.
type forecast struct {
	inputs  []input           // that decide its result; none if a component cannot foresee its own
	builder packersdk.Builder // to run; nil: the planned one
}

// foreseen is what a component knows of itself before it runs.
type foreseen struct {
	digest  string
	builder packersdk.Builder // to run in the place of the component's own; nil: that one
}

// foresee finds everything that decides b's result. It fails if a component
// does not know.
func foresee(ctx context.Context, b *Build, engine string) (forecast, error) {
	dir, err := os.Getwd()
	if err != nil {
		return forecast{}, err
	}
	all := b.components()
	found := make([]foreseen, len(all))
	group, ctx := errgroup.WithContext(ctx) // they wait for archives and disks
	for i, c := range all {
		group.Go(func() (err error) {
			found[i], err = c.foresee(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return forecast{}, err
	}
	return forecast{inputs: b.inputs(engine, dir, found), builder: found[0].builder}, nil
}

// How many inputs are about the run as a whole, which come first, and how many
// about each component.
const (
	general      = 3
	perComponent = 2
)

// inputs names what decides b's result, of what its components have foreseen.
func (b *Build) inputs(engine, dir string, found []foreseen) []input {
	inputs := []input{{"this program", cache.Key(engine)}, {"the directory", cache.Key(dir)}, {"the name", cache.Key(b.Name)}}
	for i, c := range b.components() {
		if found[i].digest == "" {
			return nil
		}
		inputs = append(inputs, input{"the settings of " + c.String(), c.outline()}, input{"what " + c.String() + " reads", found[i].digest})
	}
	var lengths []string
	for _, chain := range b.chains {
		lengths = append(lengths, strconv.Itoa(len(chain)))
	}
	return append(inputs, input{"the order of post-processors", cache.Key(lengths...)})
}

// keyOf returns the digest of all inputs.
func keyOf(inputs []input) string {
	var parts []string
	for _, i := range inputs {
		parts = append(parts, i.Name, i.Digest)
	}
	return cache.Key(parts...)
}

// changed names the inputs that are not what they were.
func changed(before, now []input) []string {
	var names []string
	for _, i := range now {
		if !slices.Contains(before, i) {
			names = append(names, i.Name)
		}
	}
	return names
}

func (c *component) foresee(ctx context.Context) (found foreseen, err error) {
	err = guard(c.String(), func() error {
		switch f := c.instance.(type) {
		case Foreseer:
			found.builder, found.digest, err = f.Foresee(ctx)
		case Fingerprinter:
			found.digest, err = f.Fingerprint(ctx)
		default:
			err = fmt.Errorf("what %s does cannot be foreseen", c)
		}
		return err
	})
	return found, err
}

// outline is what the template says of the component: its configuration as it
// was planned and how it is run. Where that depends on what only the run will
// tell, it is the whole template.
func (c *component) outline() string {
	parts := []string{compact(c.config), fmt.Sprint(c.overrides()), "default"}
	if c.block.keepInput != nil {
		parts[2] = strconv.FormatBool(*c.block.keepInput)
	}
	if !c.foreseen {
		parts = append(parts, c.plan.template.files.text()...)
	}
	return cache.Key(parts...)
}
