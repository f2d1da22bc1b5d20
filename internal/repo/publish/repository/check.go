package repository

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// plainURL, without its login and query, is an address that every shell takes for one
// plain word, since the page shows it in command lines.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~%/@:,+=-]*)?$`)

// check returns every fault of what a publisher says, with its field. All of it
// ends up in names of files, on the page or in what readers' terminals show.
func (o Options) check() error {
	var faults []error
	if o.Product != "" {
		faults = append(faults, invalid("product", layout.CheckProduct(o.Product)))
	}
	faults = append(faults, invalid("public URL", checkURL(o.PublicURL)), invalid("issues", cmp.Or(printable.Check(o.Issues), checkContact(o.Issues))),
		invalid("publisher", printable.Check(o.Publisher)), invalid("by", printable.Check(o.By)))
	return errors.Join(faults...)
}

// check returns every fault of what is said of a release, with its field.
func (r Release) check() error {
	faults := []error{invalid("channel", layout.CheckChannel(r.Channel)), checkReason(r.Reason)}
	if r.Version != "" {
		faults = append(faults, invalid("version", layout.CheckVersion(r.Version)))
	}
	return errors.Join(faults...)
}

// checkReason looks at what a channel's history is to say.
func checkReason(reason string) error { return invalid("reason", printable.Check(reason)) }

// mailto is an address of e-mail as a link, without a subject or other recipients.
var mailto = regexp.MustCompile(`^mailto:[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$`)

// checkContact takes what a link on the page may lead to.
func checkContact(text string) error {
	if mailto.MatchString(text) {
		return nil
	}
	if checkURL(text) != nil {
		return fmt.Errorf("%q is not a plain http://, https:// or mailto: address", address.Bare(text))
	}
	return nil
}

func checkURL(text string) error {
	if bare := address.Bare(text); bare != "" && !plainURL.MatchString(bare) {
		return fmt.Errorf("%q is not a plain http:// or https:// address", bare)
	}
	return nil
}

// OptionError says what is wrong with something that a publisher said.
type OptionError struct {
	Option string
	Err    error
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Err.Error() }

func (e *OptionError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *OptionError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Usage, Try: fault.To(fault.ShowHelp)}
}

// invalid returns err as that of an option, or nil.
func invalid(option string, err error) error {
	if err == nil {
		return nil
	}
	return &OptionError{Option: option, Err: err}
}
