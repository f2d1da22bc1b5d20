// Package userns lets an ordinary user treat files as root does: in a user
// namespace in which the user is root and the user's subordinate ids are
// everybody else.
package userns

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// Command returns the command that runs a program as root, or as the root of a
// user namespace.
func Command(name string, args ...string) command.Cmd {
	if os.Geteuid() == 0 {
		return command.Cmd{Name: name, Args: args}
	}
	return command.Cmd{Name: "unshare", Args: append([]string{"--map-root-user", "--map-auto", name}, args...)}
}

// RemoveAll is [os.RemoveAll], also for what a killed program left that worked
// with subordinate ids: a directory of theirs is closed to the user.
func RemoveAll(path string) error {
	err := os.RemoveAll(path)
	if !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
		return err
	}
	// Even after Ctrl-C: what is not removed now may stay for good.
	if command.Run(context.Background(), Command("rm", "-rf", "--", path)) != nil {
		return err
	}
	return nil
}
