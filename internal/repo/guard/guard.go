// Package guard calls the TUF library, which may panic at what is not TUF
// metadata.
package guard

import "fmt"

// Call calls do and returns its error, or one that stands for its panic.
func Call(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it is not TUF metadata: %v", p)
		}
	}()
	return do()
}
