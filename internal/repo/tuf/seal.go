package tuf

import (
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// sealRoot signs a root with the keys that are here, for those who trust it and
// for those who trust the root before, if there is one. Others may have to sign
// it too: see [Pending].
func sealRoot(r *Ring, md *metadata.Metadata[metadata.RootType], old rootDocument) (rootDocument, error) {
	also := []grant{grantOfRoot(rootDocument{md: md}, metadata.ROOT)}
	if old.md != nil {
		also = append(also, grantOfRoot(old, metadata.ROOT))
	}
	return seal(r, metadata.ROOT, md, nil, also...)
}

// sealTargets signs targets for those who trust root, and where its key is at
// hand also for those who still trust one of the roots before.
func sealTargets(r *Ring, md *metadata.Metadata[metadata.TargetsType], root rootDocument, before ...rootDocument) (targetsDocument, error) {
	return sealFor(r, metadata.TARGETS, md, root, before)
}

func sealFor[T metadata.Roles](r *Ring, role string, md *metadata.Metadata[T], root rootDocument, before []rootDocument) (document[T], error) {
	var also []grant
	for _, old := range before {
		also = append(also, grantOfRoot(old, role))
	}
	sealed, err := seal(r, role, md, []grant{grantOfRoot(root, role)}, also...)
	if err != nil {
		return sealed, err
	}
	if err := root.md.VerifyDelegate(role, sealed.md); err != nil {
		return sealed, fmt.Errorf("checking the new %s: %w", role, err)
	}
	return sealed, nil
}

func sealChannel(r *Ring, targets targetsDocument, channel string, md *metadata.Metadata[metadata.TargetsType]) (targetsDocument, error) {
	g, ok := grantOfTargets(targets, channel)
	if !ok {
		return targetsDocument{}, &UnknownChannelError{Channel: channel, Known: channelsOf(targets)}
	}
	sealed, err := seal(r, channel, md, []grant{g})
	if err != nil {
		return sealed, err
	}
	if err := targets.md.VerifyDelegate(channel, sealed.md); err != nil {
		return sealed, fmt.Errorf("checking the new %s: %w", channel, err)
	}
	return sealed, nil
}

func channelsOf(targets targetsDocument) []string {
	if targets.md == nil || targets.md.Signed.Delegations == nil {
		return nil
	}
	var names []string
	for _, role := range targets.md.Signed.Delegations.Roles {
		names = append(names, role.Name)
	}
	return names
}
