// Package memory keeps small what our programs take. They wait for other
// programs most of the time: little memory is worth more than speed.
package memory

import (
	"os"
	"runtime/debug"
)

// limit is above what any command needs, in bytes, and with the pages of a
// program's file (37 MiB of amigo-image's) well below 100 MiB.
const limit = 48 << 20

// Spare frees memory sooner than Go would by itself, and sooner still near the
// limit, unless GOGC and GOMEMLIMIT in the environment say what to do. It is for
// the beginning of a program.
func Spare() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
