package tuf

import (
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Check tells whether the keys are there with which [State.Next] will sign an
// edit of a channel, before hours of work are done for it. It signs nothing.
func (s State) Check(r *Ring, policy Policy, now time.Time, channel string) error {
	st := s.begin(r, policy, now)
	if err := st.adopt(); err != nil {
		return err
	}
	for _, n := range st.renewals() {
		if err := st.checkChannel(n.channel); n.channel != channel && n.stops(err) {
			return err
		}
	}
	for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
		if _, err := r.signingKeys(role, []grant{grantOfRoot(st.next.root, role)}); err != nil {
			return err
		}
	}
	return st.checkChannel(channel)
}

// checkChannel tells whether the keys of a channel are there.
func (st *step) checkChannel(channel string) error {
	g, known := grantOfTargets(st.next.targets, channel)
	if !known {
		return &UnknownChannelError{Channel: channel, Known: st.next.Channels()}
	}
	_, err := st.ring.signingKeys(channel, []grant{g})
	return err
}
