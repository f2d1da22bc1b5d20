package settings

import (
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

// UnknownError says that the source has no setting of a name.
type UnknownError struct {
	Nearest string // the known name that is most like it, or "" when none is
}

func (e *UnknownError) Error() string {
	if e.Nearest == "" {
		return "this AmiGO has no such setting; conf/.initial_values.yaml in its source lists them"
	}
	return fmt.Sprintf("this AmiGO has no such setting (did you mean %s?)", e.Nearest)
}

func (i Instance) unknown(name string) error {
	return &UnknownError{Nearest: nearest.Name(name, i.Names())}
}
