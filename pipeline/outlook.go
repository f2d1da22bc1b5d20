package pipeline

import (
	"context"
	"errors"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Outlook is what is known of a build before it runs.
type Outlook struct {
	Build string `json:"build"`
	// Digest is of everything that decides what is built, on this host and with this
	// program: two with the same one need to be built once. It is "" where a component
	// can't tell.
	Digest string `json:"digest,omitempty"`
	// Unchanged says that what the build would make is there already.
	Unchanged bool `json:"unchanged"`
	// Why is why the build has to be made, for people.
	Why string `json:"why,omitempty"`
}

// Foresee finds out which of the plan's builds have to be made. It reads what decides
// them, and builds nothing. The options are those that the plan would be run with.
func (p *Plan) Foresee(ctx context.Context, o RunOptions) ([]Outlook, error) {
	if o.Sink == nil {
		o.Sink = event.Discard
	}
	var all []Outlook
	var errs []error
	for _, b := range p.Builds {
		run := &buildRun{plan: p, build: b, options: o}
		ahead, err := run.lookAhead(ctx)
		if err != nil {
			errs = append(errs, &BuildError{Build: b.Name, Err: err, mask: p.template.mask})
			continue
		}
		all = append(all, Outlook{Build: b.Name, Digest: ahead.record.digest(), Unchanged: ahead.unchanged, Why: ahead.why()})
	}
	return all, errors.Join(errs...)
}

func (o outlook) why() string {
	switch {
	case o.unchanged:
		return ""
	case o.record.path == "":
		return "what it depends on cannot all be known in advance"
	default:
		return o.record.why()
	}
}

func (r record) digest() string {
	if len(r.inputs) == 0 {
		return ""
	}
	return keyOf(r.inputs)
}
