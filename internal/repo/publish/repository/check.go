package repository

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// publicURL, without its login and query, is an address that every shell takes for one plain word, since the
// page shows it in command lines.
var publicURL = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~%/@:,+=-]*)?$`)

// check returns every fault of what a publisher says, with its field. All of it
// ends up in names of files, on the page or in what readers' terminals show.
func (o Options) check() error {
	var faults []error
	if err := layout.CheckProduct(o.Product); o.Product != "" && err != nil {
		faults = append(faults, fmt.Errorf("product: %w", err))
	}
	if bare := address.Bare(o.PublicURL); bare != "" && !publicURL.MatchString(bare) {
		faults = append(faults, fmt.Errorf("public URL: %q is not a plain http:// or https:// address", bare))
	}
	for field, text := range map[string]string{"issues": o.Issues, "publisher": o.Publisher, "by": o.By} {
		if err := printable.Check(text); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", field, err))
		}
	}
	return errors.Join(faults...)
}

// checkReason looks at what a channel's history is to say.
func checkReason(reason string) error {
	if err := printable.Check(reason); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	return nil
}
