package tuf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCheck: a check says what the next state would, and signs nothing.
func TestCheck(t *testing.T) {
	for _, one := range []struct {
		lost    string // a key
		channel string
		days    int // since the last publication
		good    bool
	}{
		{"", "nightly", 0, true},
		{"", "beta", 0, false},
		{"nightly", "nightly", 0, false},
		{"online", "nightly", 0, false},
		{"stable", "nightly", 0, true},
		{"stable", "nightly", 150, true}, // it is good for some days yet
		{"nightly", "stable", 20, true},  // readers do without it
	} {
		ring, r := newRing(t, Setup{}), repo{}
		publishVersion(t, r, ring, "nightly", "1")
		if one.lost != "" {
			if err := os.Remove(filepath.Join(ring.Dir(), one.lost+".key")); err != nil {
				t.Fatal(err)
			}
		}
		now, state := noon.Add(time.Duration(one.days)*day), r.load(t, ring)
		signed := 0
		ring.OnSign = func(string) { signed++ }
		checked := state.Check(ring, DefaultPolicy(), now, one.channel)
		if signed > 0 {
			t.Errorf("%+v: it makes %d signatures", one, signed)
		}
		c, _, err := state.Channel(one.channel)
		c.Channel = one.channel
		_, _, next := state.Next(ring, DefaultPolicy(), now, map[string]ChannelEdit{one.channel: move(c, "2")})
		if err := errors.Join(err, next); (err == nil) != one.good || (checked == nil) != one.good {
			t.Errorf("%+v: the check says %v, the next state %v", one, checked, err)
		}
	}
}

// TestOnSign: each role that changes is signed once.
func TestOnSign(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	publishVersion(t, r, ring, "nightly", "1")
	var signed []string
	ring.OnSign = func(role string) { signed = append(signed, role) }
	publishVersion(t, r, ring, "nightly", "2")
	if got := fmt.Sprint(signed); got != "[nightly snapshot timestamp]" {
		t.Error(got)
	}
}
