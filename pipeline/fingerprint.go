package pipeline

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// foreseeable tells whether every component of b knows what decides its
// result.
func (b *Build) foreseeable() bool {
	for _, c := range b.components() {
		if _, ok := c.instance.(Fingerprinter); !ok {
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

// fingerprint returns everything that decides b's result. It returns nothing
// if a component cannot foresee its own, and fails if one does not know.
func fingerprint(ctx context.Context, b *Build, engine string) ([]input, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	all := b.components()
	sums := make([]string, len(all))
	group, ctx := errgroup.WithContext(ctx) // they wait for archives and disks
	for i, c := range all {
		group.Go(func() (err error) {
			sums[i], err = c.fingerprint(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	inputs := []input{{"this program", cache.Key(engine)}, {"the directory", cache.Key(dir)}, {"the name", cache.Key(b.Name)}}
	for i, c := range all {
		if sums[i] == "" {
			return nil, nil
		}
		inputs = append(inputs, input{"the settings of " + c.String(), c.outline()}, input{"what " + c.String() + " reads", sums[i]})
	}
	var lengths []string
	for _, chain := range b.chains {
		lengths = append(lengths, strconv.Itoa(len(chain)))
	}
	return append(inputs, input{"the order of post-processors", cache.Key(lengths...)}), nil
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

func (c *component) fingerprint(ctx context.Context) (sum string, err error) {
	err = guard(c.String(), func() error {
		f, ok := c.instance.(Fingerprinter)
		if !ok {
			return fmt.Errorf("what %s does cannot be foreseen", c)
		}
		sum, err = f.Fingerprint(ctx)
		return err
	})
	return sum, err
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
