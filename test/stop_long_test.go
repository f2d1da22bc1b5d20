//go:build vm && long

package test

import (
	"syscall"
	"testing"
)

// TestStopWithMachine ends a build in each phase in which its machine runs.
func TestStopWithMachine(t *testing.T) {
	for name, s := range map[string]stopping{
		"boot":     {template: small, at: "boot phase-start", signal: syscall.SIGKILL},
		"seal":     {template: small, at: "seal phase-start", signal: syscall.SIGINT},
		"shutdown": {template: small, at: "shutdown phase-start", signal: syscall.SIGTERM},
		"disk":     {template: small, at: "disk phase-start", signal: syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.test(t)
		})
	}
}
