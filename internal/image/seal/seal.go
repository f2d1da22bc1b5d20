// Package seal takes out of a guest what belongs to its build and to one
// machine only, so that every copy of its disk starts as a machine of its own.
package seal

import _ "embed"

// Script is run as root on a guest, as the last thing before it shuts down.
// After it nobody can log in again with the key of the build.
//
//go:embed seal.sh
var Script string
