package tuf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
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
		return fmt.Sprintf("%s needs %d keys to sign and %d are here (looked for %s and similar names)", e.Role, e.Need, e.Have, e.File)
	}
	return fmt.Sprintf("the key that signs %s is not here (looked for %s)", e.Role, e.File)
}

// Fault implements [fault.Reporter].
func (e *MissingKeyError) Fault() fault.Report {
	return unchanged(e, fault.NotFound, fault.To(fault.GetKey, e.File))
}

// UnknownChannelError says that nobody was given the right to sign a channel.
type UnknownChannelError struct {
	Channel string
	Known   []string
}

func (e *UnknownChannelError) Error() string {
	return fmt.Sprintf("the repository has no channel %q (there are: %s)", e.Channel, strings.Join(e.Known, ", "))
}

// Fault implements [fault.Reporter].
func (e *UnknownChannelError) Fault() fault.Report {
	return fault.Report{
		What:  fmt.Sprintf("the repository has no channel %q", e.Channel),
		Where: "there are: " + strings.Join(e.Known, ", "),
		Code:  fault.NotFound,
		Try:   fault.Try{Action: fault.AddChannel, On: []string{e.Channel}, Known: e.Known},
	}
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

// Fault implements [fault.Reporter].
func (e *ConflictError) Fault() fault.Report {
	return fault.Report{
		What:  "the repository was signed with other keys than these",
		Where: e.Error(), Code: fault.Verify, Try: fault.Retry(fault.RightKeys),
	}
}

// ExistsError says that a key directory is already in use.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s already holds keys", e.Dir) }

// Fault implements [fault.Reporter].
func (e *ExistsError) Fault() fault.Report {
	return fault.Report{What: "the directory already holds keys", Where: e.Dir, Kept: nothingChanged, Code: fault.Other, Try: fault.To(fault.ShowKeys)}
}

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

// Fault implements [fault.Reporter].
func (e *PasswordError) Fault() fault.Report {
	return unchanged(e, fault.Other, fault.To(fault.GivePassword, PasswordVariable))
}

// NoRootError says that a ring holds no root, where trust begins.
type NoRootError struct{ Dir string }

func (e *NoRootError) Error() string { return "there is no root in " + e.Dir }

// Fault implements [fault.Reporter].
func (e *NoRootError) Fault() fault.Report {
	return unchanged(e, fault.NotFound, fault.To(fault.CopyRoot, e.Dir))
}

// NoTargetsError says that a ring holds no targets: its holder only signs
// roots.
type NoTargetsError struct{ Dir string }

func (e *NoTargetsError) Error() string { return "there are no targets in " + e.Dir }

// Fault implements [fault.Reporter].
func (e *NoTargetsError) Fault() fault.Report {
	return unchanged(e, fault.NotFound, fault.To(fault.CopyTargets, e.Dir))
}

// SetupError says that no repository can be as somebody wants it.
type SetupError struct{ Err error }

func (e *SetupError) Error() string { return e.Err.Error() }

func (e *SetupError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *SetupError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Usage, Try: fault.To(fault.ShowHelp)}
}

// PendingError says that a root waits for signatures, and nothing else can be
// done to the keys before.
type PendingError struct {
	Dir string // of what is pending
	Pending
}

func (e *PendingError) Error() string {
	return fmt.Sprintf("root %d is pending in %s: it lacks %s", e.Version, e.File, Wanted(e.Lacks))
}

// Fault implements [fault.Reporter].
func (e *PendingError) Fault() fault.Report {
	return unchanged(e, fault.NotFound, fault.To(fault.SignRoot, e.Dir))
}

// Wanted says in words which signatures are missing.
func Wanted(all []Lack) string {
	var texts []string
	for _, l := range all {
		noun, keys := "signatures of", strings.Join(l.short(), ", ")
		if l.Count == 1 {
			noun = "signature of"
		}
		text := fmt.Sprintf("%d more %s %s", l.Count, noun, keys)
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", and ")
}

func (l Lack) short() (ids []string) {
	for _, id := range l.Keys {
		ids = append(ids, ShortID(id))
	}
	return ids
}

// RefusedError says why a new root is not to be signed or taken up.
type RefusedError struct {
	File string
	Err  error
	Try  fault.Try
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s is refused: %v", e.File, e.Err) }

func (e *RefusedError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *RefusedError) Fault() fault.Report { return unchanged(e, fault.Verify, e.Try) }

// NoRootKeyError says that no key is here by which a root could be signed.
type NoRootKeyError struct {
	File  string // the root
	Key   string // the only key that was to sign; "" for all in Dir
	Dir   string
	Lacks []Lack
}

func (e *NoRootKeyError) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("%s is not a key that signs this root: it lacks %s", e.Key, Wanted(e.Lacks))
	}
	return fmt.Sprintf("no key in %s signs this root: it lacks %s", e.Dir, Wanted(e.Lacks))
}

// Fault implements [fault.Reporter].
func (e *NoRootKeyError) Fault() fault.Report {
	return unchanged(e, fault.NotFound, fault.To(fault.SignWith, e.File))
}

const nothingChanged = "nothing was changed"

// unchanged reports an error that left the keys as they were.
func unchanged(err error, code int, try fault.Try) fault.Report {
	return fault.Report{What: fault.Plain(err), Kept: nothingChanged, Code: code, Try: try}
}
