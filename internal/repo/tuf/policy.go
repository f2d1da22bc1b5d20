package tuf

import "time"

const day = 24 * time.Hour

// Policy says how long signatures are good for.
type Policy struct {
	Root      time.Duration
	Targets   time.Duration
	Snapshot  time.Duration
	Timestamp time.Duration
	Channel   time.Duration            // of channels that are not in Channels
	Channels  map[string]time.Duration // by name
}

// DefaultPolicy is for a repository that a machine refreshes twice a day and
// people promote to: it outlives a failed week, and a forgotten nightly shows.
func DefaultPolicy() Policy {
	return Policy{
		Root:      365 * day,
		Targets:   365 * day,
		Snapshot:  30 * day,
		Timestamp: 5 * day,
		Channel:   180 * day,
		Channels:  map[string]time.Duration{"nightly": 14 * day},
	}
}

func (p Policy) channel(name string) time.Duration {
	if life, ok := p.Channels[name]; ok {
		return life
	}
	return p.Channel
}

// expiry returns when something signed now expires. Other clients read whole
// seconds only.
func expiry(now time.Time, life time.Duration) time.Time {
	return now.UTC().Truncate(time.Second).Add(life)
}

// late tells whether less than half of a signature's life is left.
func late(expires, now time.Time, life time.Duration) bool {
	return expires.Sub(now) < life/2
}

// due tells whether less than a third of a signature's life is left.
func due(expires, now time.Time, life time.Duration) bool {
	return expires.Sub(now) < life/3
}
