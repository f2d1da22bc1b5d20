package tuf

import (
	"errors"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

// adopt takes up what people signed by hand and left in the ring.
func (st *step) adopt() error {
	if err := st.adoptRoots(); err != nil {
		return err
	}
	if err := st.adoptTargets(); err != nil {
		return err
	}
	st.deferUnready()
	if err := st.checkTargets(); err != nil {
		return err
	}
	for _, channel := range st.next.Channels() {
		if err := st.adoptChannel(channel); err != nil {
			return err
		}
	}
	return nil
}

func (st *step) adoptRoots() error {
	files, err := st.ring.stored(metadata.ROOT)
	if err != nil {
		return err
	}
	if err := st.checkSameVersion(metadata.ROOT, files, rootVersion(st.next.root), st.next.root.raw); err != nil {
		return err
	}
	version, err := st.nextRoot()
	if err != nil {
		return err
	}
	for ; files[version] != nil; version++ {
		root, err := parse[metadata.RootType](files[version])
		if err == nil {
			err = follows(st.next.root, root, version)
		}
		if err != nil {
			return &ConflictError{File: st.ring.metadata(metadata.ROOT, version), Err: err}
		}
		st.next.root = root
		st.roots = append(st.roots, root)
	}
	return nil
}

// nextRoot returns the version of the root that would come next.
func (st *step) nextRoot() (int64, error) {
	if root := st.next.root.md; root != nil {
		return root.Signed.Version + 1, nil
	}
	version, _, err := st.ring.Root()
	return version, err
}

// checkSameVersion returns an error if the ring has another file than the repository under
// the same version: somebody else signed one before this was published.
func (st *step) checkSameVersion(role string, files map[int64][]byte, version int64, content []byte) error {
	if ours := files[version]; ours != nil && !sameSigned(ours, content) {
		return &ConflictError{File: st.ring.metadata(role, version), Err: errors.New("there is another of that version")}
	}
	return nil
}

// follows tells why next is not the root after old; old may be missing.
func follows(old, next rootDocument, version int64) error {
	return guard.Call(func() error { return checkNext(old, next, version) })
}

func checkNext(old, next rootDocument, version int64) error {
	if next.md.Signed.Version != version || next.md.Signed.Type != metadata.ROOT {
		return errors.New("it is another version than its name says")
	}
	if old.md != nil {
		if err := old.md.VerifyDelegate(metadata.ROOT, next.md); err != nil {
			return err
		}
	}
	return next.md.VerifyDelegate(metadata.ROOT, next.md)
}

func (st *step) adoptTargets() error {
	files, err := st.ring.stored(metadata.TARGETS)
	if err != nil {
		return err
	}
	if err := st.checkSameVersion(metadata.TARGETS, files, versionOf(st.next.targets), st.next.targets.raw); err != nil {
		return err
	}
	version, content, err := st.ring.newest(metadata.TARGETS)
	if err != nil {
		return err
	}
	if content == nil || version <= versionOf(st.next.targets) {
		return nil
	}
	targets, err := parse[metadata.TargetsType](content)
	if err != nil {
		return &ConflictError{File: st.ring.metadata(metadata.TARGETS, version), Err: err}
	}
	st.next.targets = targets
	st.files = append(st.files, targets.file(metadata.TARGETS, versionOf(targets)))
	return nil
}

// deferUnready leaves new roots alone under which the targets are not good. Who has
// signed such a root need not have the targets that go with it; somebody has,
// and will publish both.
func (st *step) deferUnready() {
	for n := len(st.roots); n > 0 && st.before.root.md != nil && st.checkTargets() != nil; n-- {
		st.roots, st.next.root = st.roots[:n-1], st.before.root
		if n > 1 {
			st.next.root = st.roots[n-2]
		}
	}
}

// checkTargets tells why readers would not take the targets under the root.
func (st *step) checkTargets() error {
	if st.next.targets.md == nil {
		return st.ring.noRoot()
	}
	if err := st.next.root.md.VerifyDelegate(metadata.TARGETS, st.next.targets.md); err != nil {
		return &ConflictError{File: st.ring.metadata(metadata.TARGETS, versionOf(st.next.targets)), Err: err}
	}
	return nil
}

func (st *step) adoptChannel(channel string) error {
	version, content, err := st.ring.newest(channel)
	if err != nil || content == nil || version <= versionOf(st.next.channels[channel]) {
		return err
	}
	document, err := parse[metadata.TargetsType](content)
	if err != nil {
		return &ConflictError{File: st.ring.metadata(channel, version), Err: err}
	}
	// Its key may have been replaced since.
	if valid := st.next.targets.md.VerifyDelegate(channel, document.md) == nil; valid {
		st.next.channels[channel] = document
		st.files = append(st.files, document.file(channel, versionOf(document)))
	}
	return nil
}

// superseded are the roots that readers may still have.
func (st *step) superseded() []rootDocument {
	if len(st.roots) == 0 || st.before.root.md == nil {
		return nil
	}
	return append([]rootDocument{st.before.root}, st.roots[:len(st.roots)-1]...)
}

// ordered returns the files in the order of writing. New roots come last if
// readers with the old ones can read everything else: then they notice
// nothing. If they cannot, the roots come first.
func (st *step) ordered() []File {
	var roots []File
	for _, root := range st.roots {
		roots = append(roots, root.file(metadata.ROOT, root.md.Signed.Version))
	}
	old := st.superseded()
	if len(old) == 0 {
		return append(roots, st.files...)
	}
	for _, root := range old {
		err := errors.Join(
			root.md.VerifyDelegate(metadata.TIMESTAMP, st.next.timestamp.md),
			root.md.VerifyDelegate(metadata.SNAPSHOT, st.next.snapshot.md),
			root.md.VerifyDelegate(metadata.TARGETS, st.next.targets.md))
		if err != nil {
			return append(roots, st.files...)
		}
	}
	return append(st.files, roots...)
}
