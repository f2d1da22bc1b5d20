package fetch

import (
	"errors"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Explain says that a program of the host could not fetch something, in one line with what
// to do, for Packer, which shows nothing else; and in parts for who shows them. copied is
// how to do without the program, and elsewhere how it finds another source.
func Explain(err error, what, copied, elsewhere string) error {
	known := fault.Of(err)
	f := &fault.Error{
		What:  what + " can't be fetched",
		Where: fault.Cause(err),
		Try:   copied + ", or " + elsewhere,
		Code:  known.Code, Err: err,
	}
	if missing := (*command.MissingError)(nil); errors.As(err, &missing) {
		f.Try = fmt.Sprintf("apt-get install %s, or %s", missing.Package, copied)
	}
	if known.Code == fault.Space {
		f.Try, f.Do = "", known.Try
		return fmt.Errorf("%w: %s (make room in the cache directory)", f, fault.Cause(err))
	}
	return fmt.Errorf("%w: %s (%s)", f, fault.Cause(err), f.Try)
}
