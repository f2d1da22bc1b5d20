// Package executable writes programs and scripts that are run at once.
//
// A file that is open for writing anywhere can't be run: the kernel says "text file
// busy". A process that is started has, for the moment between fork and exec, every
// file that we have open, the one that we are writing included. Go leaves this to its
// users: https://go.dev/issue/22315.
package executable

import (
	"errors"
	"os"
	"syscall"
)

// While runs write, which writes a program and closes it. No process is forked
// meanwhile, so write must not start one, nor wait for anybody who does.
func While(write func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return write()
}

// Write writes a program to a new file, which its owner alone can change and all can
// run. It is for what is used and thrown away: the file is not written whole or not at
// all.
func Write(path string, content []byte) error {
	return While(func() error {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		return errors.Join(err, f.Close())
	})
}
