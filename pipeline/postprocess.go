package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	shared "github.com/geneontology/packer-plugin-amigo/component"
)

// postProcess runs every chain on the builder's artifact and returns what is
// left of all artifacts. A chain that fails does not stop the next.
func (r *buildRun) postProcess(ctx context.Context, built packersdk.Artifact) ([]packersdk.Artifact, error) {
	keepBuilt := len(r.build.chains) == 0
	var kept []packersdk.Artifact
	var errs []error
	for _, chain := range r.build.chains {
		keep, results, err := r.runChain(ctx, chain, built)
		keepBuilt = keepBuilt || keep
		kept = append(kept, results...)
		if err != nil {
			errs = append(errs, err)
			keepBuilt = true // a failed later step costs nothing that is finished
		}
	}
	if keepBuilt {
		kept = append([]packersdk.Artifact{built}, kept...)
	} else if err := destroy(built); err != nil {
		errs = append(errs, err)
	}
	return distinct(kept), errors.Join(errs...)
}

// distinct returns each artifact once: a post-processor may hand on what it was given.
func distinct(all []packersdk.Artifact) []packersdk.Artifact {
	var once []packersdk.Artifact
	for _, a := range all {
		if !reflect.ValueOf(a).Comparable() || !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}

// runChain hands the artifact from one post-processor to the next. keepBuilt
// tells whether the chain wants the builder's artifact to stay.
func (r *buildRun) runChain(ctx context.Context, chain []*component, built packersdk.Artifact) (keepBuilt bool, kept []packersdk.Artifact, err error) {
	input := built
	for i, c := range chain {
		if ctx.Err() != nil {
			return keepBuilt, kept, context.Cause(ctx)
		}
		output, keep, err := r.postProcessOne(ctx, c, built, input)
		if err != nil {
			if i > 0 {
				kept = append(kept, input)
			}
			return keepBuilt, kept, err
		}
		switch {
		case i == 0:
			keepBuilt = keep
		case keep:
			kept = append(kept, input)
		default:
			if err := destroy(input); err != nil {
				return keepBuilt, kept, err
			}
		}
		if output == nil {
			return keepBuilt, kept, nil
		}
		input = output
	}
	return keepBuilt, append(kept, input), nil
}

// postProcessOne runs c on input. What the builder told is known to it also
// when the post-processors before it have not passed that on.
func (r *buildRun) postProcessOne(ctx context.Context, c *component, built, input packersdk.Artifact) (output packersdk.Artifact, keep bool, err error) {
	u := r.ui(c)
	defer u.show()()
	var force bool
	err = r.guard(c, u, func() error {
		data := shared.GeneratedData(built)
		maps.Copy(data, shared.GeneratedData(input))
		instance, err := c.fresh(ctx, data)
		if err != nil {
			return err
		}
		r.open = append(r.open, instance) // its artifact may live in its process
		p, ok := instance.(packersdk.PostProcessor)
		if !ok {
			return fmt.Errorf("%s is not a post-processor", c)
		}
		output, keep, force, err = p.PostProcess(ctx, u, input)
		return err
	})
	if err = u.end(err); err != nil {
		return nil, true, c.step(err)
	}
	return output, keepInput(c.block.keepInput, keep, force), nil
}

// keepInput decides between what the post-processor would do and what the
// template says: the template wins, but cannot have an input removed that the
// post-processor insists on.
func keepInput(asked *bool, keep, force bool) bool {
	if asked == nil || (keep && force) {
		return keep
	}
	return *asked
}

func destroy(a packersdk.Artifact) error {
	if err := a.Destroy(); err != nil {
		return fmt.Errorf("removing an artifact that is not needed any more: %w", err)
	}
	return nil
}
