// Package regular opens files that others have put somewhere. A named pipe would
// keep its reader waiting for ever, a device is not what anybody meant.
package regular

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrNot tells that something is there, but not a regular file.
var ErrNot = errors.New("not a regular file")

// Open opens the regular file at path for reading. Anything else is [ErrNot].
func Open(path string) (*os.File, error) {
	// Without O_NONBLOCK, opening a named pipe waits for somebody who writes.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) { // a socket
		return nil, fmt.Errorf("%s: %w", path, ErrNot)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", path, ErrNot)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
