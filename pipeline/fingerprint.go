package pipeline

import (
	"context"
	"fmt"
	"os"
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

// fingerprint returns the digest of everything that decides b's result. It
// is "" if a component cannot foresee its own, and fails if one does not know.
func fingerprint(ctx context.Context, b *Build, engine string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
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
		return "", err
	}
	parts := []string{engine, dir, b.Name}
	for i, c := range all {
		if sums[i] == "" {
			return "", nil
		}
		parts = append(parts, c.String(), c.outline(), sums[i])
	}
	for i, chain := range b.chains {
		parts = append(parts, fmt.Sprint(i, len(chain)))
	}
	return cache.Key(parts...), nil
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
