// Package seal takes out of a guest what belongs to its build and to one
// machine only, so that every copy of its disk starts as a machine of its own.
package seal

import (
	_ "embed" // seal.sh

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

//go:embed seal.sh
var script string

// Script is run as root on a guest, as the last thing before it shuts down.
// After it nobody can log in again with the key of the build.
func Script() string { return distro.Prelude() + script }
