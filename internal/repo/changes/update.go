package changes

import (
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
)

// Measure finds out how large the updates are that the publisher did not
// measure, as far as the chunk indices of both sides are known. The sides are
// those that were compared.
func (c *Changes) Measure(old, now Side) error {
	old, now = paired(old, now)
	for i := range c.Images {
		image := &c.Images[i]
		from, to := variant(old.Variants, image.Variant), variant(now.Variants, image.Variant)
		if image.Update > 0 || from.Index == nil || to.Index == nil {
			continue
		}
		var err error
		if image.Update, err = measure(from, to); err != nil {
			return fmt.Errorf("measuring an update from %s to %s: %w", old.Name, now.Name, err)
		}
	}
	return nil
}

// measure returns how many bytes travel to who has the old disk.
func measure(old, now Variant) (int64, error) {
	from, err := old.Index()
	if err != nil {
		return 0, err
	}
	defer func() { _ = from.Close() }()
	to, err := now.Index()
	if err != nil {
		return 0, err
	}
	defer func() { _ = to.Close() }()
	plan, err := pull.Make(to, pull.Seed{Index: from})
	return plan.Fetch, err
}
