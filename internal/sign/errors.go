package sign

import (
	"fmt"
	"strings"
)

// MissingKeyError says that too few keys of a role are in the ring.
type MissingKeyError struct {
	Role string
	File string // where such a key is looked for
	Have int
	Need int
}

func (e *MissingKeyError) Error() string {
	if e.Need > 1 {
		return fmt.Sprintf("%s needs %d keys to sign and %d are here (looked for %s and its like)", e.Role, e.Need, e.Have, e.File)
	}
	return fmt.Sprintf("the key that signs %s is not here (looked for %s)", e.Role, e.File)
}

// Hint returns what to do about it.
func (e *MissingKeyError) Hint() string {
	return "get " + e.File + " from whoever keeps it, or let them sign"
}

// UnknownChannelError says that nobody was given the right to sign a channel.
type UnknownChannelError struct {
	Channel string
	Known   []string
}

func (e *UnknownChannelError) Error() string {
	return fmt.Sprintf("the repository has no channel %q (there are: %s)", e.Channel, strings.Join(e.Known, ", "))
}

// ConflictError says that a ring and a repository have different histories.
type ConflictError struct {
	File string // of the ring
	Err  error
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s does not follow what the repository holds: %v", e.File, e.Err)
}

func (e *ConflictError) Unwrap() error { return e.Err }

// ExistsError says that a key directory is already in use.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s already holds keys", e.Dir) }

// PasswordError says that a key cannot be read without a, or with this,
// password.
type PasswordError struct {
	File string
	Err  error
}

func (e *PasswordError) Error() string {
	return fmt.Sprintf("the password in %s does not open the key %s: %v", PasswordVariable, e.File, e.Err)
}

func (e *PasswordError) Unwrap() error { return e.Err }

// Hint returns what to do about it.
func (*PasswordError) Hint() string {
	return "export " + PasswordVariable + "=..., then the same command"
}

// NoRootError says that a ring holds no root, where trust begins.
type NoRootError struct{ Dir string }

func (e *NoRootError) Error() string { return "there is no root in " + e.Dir }

// Hint returns what to do about it.
func (*NoRootError) Hint() string {
	return "copy metadata/1.root.json there, from the directory that keys init made"
}

// SetupError says that no repository can be as somebody wants it.
type SetupError struct{ Err error }

func (e *SetupError) Error() string { return e.Err.Error() }

func (e *SetupError) Unwrap() error { return e.Err }
