package tuf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Setup says which keys a new repository has.
type Setup struct {
	// Channels in the order in which readers without a channel look for files:
	// the most trusted one first.
	Channels      []string
	RootKeys      int      // how many keys of root are made; 0 is 1, if there are no others
	RootPublic    []string // files of public keys of root that others hold
	RootThreshold int      // how many of all of them have to sign; 0 is 1
}

func (s Setup) check() error {
	if len(s.Channels) == 0 {
		return errors.New("a repository needs a channel")
	}
	for i, channel := range s.Channels {
		if err := checkChannel(channel); err != nil {
			return err
		}
		if slices.Contains(s.Channels[:i], channel) {
			return fmt.Errorf("channel %q is named twice", channel)
		}
	}
	if all := s.RootKeys + len(s.RootPublic); s.RootThreshold < 1 || s.RootThreshold > all {
		return fmt.Errorf("%d of %d root keys can never sign", s.RootThreshold, all)
	}
	return nil
}

func checkChannel(name string) error {
	if name == Online || name == "minisign" {
		return fmt.Errorf("%q is not a valid channel name: another key has it", name)
	}
	return layout.CheckChannel(name)
}

// CreateRing makes a directory of new keys with the first root, targets and
// channels of a repository, signed. If others have to sign the root, too, it is
// pending: see [Ring.Propose]. The directory must not exist or be empty.
func CreateRing(dir string, setup Setup, policy Policy, now time.Time) (*Ring, error) {
	setup.RootThreshold = max(setup.RootThreshold, 1)
	if len(setup.RootPublic) == 0 {
		setup.RootKeys = max(setup.RootKeys, 1)
	}
	if err := setup.check(); err != nil {
		return nil, &SetupError{Err: err}
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of keys: %w", err)
	}
	partial, remove, err := fresh(filepath.Dir(filepath.Clean(dir)))
	if err != nil {
		return nil, err
	}
	defer remove()
	if err := fill(ringAt(partial), setup, policy, now); err != nil {
		return nil, err
	}
	_ = unix.Rmdir(dir) // only if it is an empty directory
	if err := os.Rename(partial, dir); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, &ExistsError{Dir: dir}
		}
		return nil, fmt.Errorf("making the directory of keys: %w", err)
	}
	return ringAt(dir), durable.Sync(filepath.Dir(filepath.Clean(dir)))
}

// fresh makes a directory for new keys in parent. One that a killed process
// was filling goes when the next is made.
func fresh(parent string) (dir string, remove func(), err error) {
	s, err := scratch.New(parent, "keys")
	if err != nil {
		return "", nil, err
	}
	dir = s.Path("new")
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.Close()
		return "", nil, fmt.Errorf("making a directory for new keys: %w", err)
	}
	return dir, s.Close, nil
}

func fill(r *Ring, setup Setup, policy Policy, now time.Time) error {
	names := append([]string{metadata.TARGETS, Online}, setup.Channels...)
	for range setup.RootKeys {
		names = append(names, metadata.ROOT)
	}
	for _, name := range names {
		if _, err := generateKey(filepath.Join(r.dir, r.unusedName(name))); err != nil {
			return err
		}
	}
	if err := generateMinisign(r.dir); err != nil {
		return err
	}
	root, err := firstRoot(r, setup, policy, now)
	if err != nil {
		return err
	}
	files, err := firstFiles(r, root, setup, policy, now)
	if err != nil {
		return err
	}
	if err := errors.Join(r.store(files), os.Mkdir(r.pending, 0o700), r.writePending([]File{root.file(metadata.ROOT, 1)})); err != nil {
		return err
	}
	_, err = r.commitPending()
	return err
}

// firstFiles returns the first targets and channels of a repository; the
// channels are empty.
func firstFiles(r *Ring, root rootDocument, setup Setup, policy Policy, now time.Time) ([]File, error) {
	targets, err := firstTargets(r, root, setup, policy, now)
	if err != nil {
		return nil, err
	}
	files := []File{targets.file(metadata.TARGETS, 1)}
	for _, channel := range setup.Channels {
		empty, err := sealChannel(r, targets, channel, metadata.Targets(expiry(now, policy.channel(channel))))
		if err != nil {
			return nil, err
		}
		files = append(files, empty.file(channel, 1))
	}
	return files, nil
}

func firstRoot(r *Ring, setup Setup, policy Policy, now time.Time) (rootDocument, error) {
	md := metadata.Root(expiry(now, policy.Root))
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		keys, err := r.keys(keyOf(role))
		if err != nil {
			return rootDocument{}, err
		}
		for _, k := range keys {
			if err := md.Signed.AddKey(k.public, role); err != nil {
				return rootDocument{}, fmt.Errorf("giving root a key: %w", err)
			}
		}
	}
	others, err := readPublicKeys(setup.RootPublic)
	if err != nil {
		return rootDocument{}, err
	}
	md.Signed.Roles[metadata.ROOT].Threshold = max(setup.RootThreshold, 1)
	if err := replaceKeys(&md.Signed, metadata.ROOT, nil, others); err != nil {
		return rootDocument{}, err
	}
	return sealRoot(r, md, rootDocument{})
}

func firstTargets(r *Ring, root rootDocument, setup Setup, policy Policy, now time.Time) (targetsDocument, error) {
	md := metadata.Targets(expiry(now, policy.Targets))
	md.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	for _, channel := range setup.Channels {
		keys, err := r.keys(channel)
		if err != nil {
			return targetsDocument{}, err
		}
		delegate(md, channel, keys)
	}
	return sealTargets(r, md, root)
}

// delegate gives a channel its keys, and its place after the other channels if
// it is new.
func delegate(md *metadata.Metadata[metadata.TargetsType], channel string, keys []key) {
	all := md.Signed.Delegations
	role := metadata.DelegatedRole{
		Name:      channel,
		Threshold: 1,
		// A star is one part of a path, in every client.
		Paths: []string{layout.Pointer(channel), layout.Version("*", "*")},
	}
	for _, k := range keys {
		all.Keys[k.id] = k.public
		role.KeyIDs = append(role.KeyIDs, k.id)
	}
	i := slices.IndexFunc(all.Roles, func(r metadata.DelegatedRole) bool { return r.Name == channel })
	if i < 0 {
		all.Roles = append(all.Roles, role)
		return
	}
	role.Threshold = all.Roles[i].Threshold
	all.Roles[i] = role
}
