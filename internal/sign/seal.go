package sign

import (
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// sealRoot signs a root for those who trust the roots before it.
func sealRoot(r *Ring, md *metadata.Metadata[metadata.RootType], before ...rootDocument) (rootDocument, error) {
	must := []grant{grantOfRoot(rootDocument{md: md}, metadata.ROOT)}
	for _, old := range before {
		must = append(must, grantOfRoot(old, metadata.ROOT))
	}
	sealed, err := seal(r, metadata.ROOT, md, must)
	if err != nil {
		return sealed, err
	}
	for _, delegator := range append(before, sealed) {
		if err := delegator.md.VerifyDelegate(metadata.ROOT, sealed.md); err != nil {
			return sealed, fmt.Errorf("checking the new root: %w", err)
		}
	}
	return sealed, nil
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
