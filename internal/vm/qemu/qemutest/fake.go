package qemutest

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Manner is how a fake QEMU behaves.
type Manner string

// The manners.
const (
	Silent  Manner = "silent"  // opens its monitor, and says nothing
	Garbage Manner = "garbage" // says something that is not JSON
	Dying   Manner = "dying"   // greets, says why on its standard error, and dies
	Slow    Manner = "slow"    // never answers about the screen; all else is well
	Killed  Manner = "killed"  // ends by a signal, as QEMU does: in good order
	NoSpace Manner = "nospace" // the host's disk is full
	Broken  Manner = "broken"  // the host's disk can't be read
	Panics  Manner = "panics"  // the guest's kernel panics
	Resets  Manner = "resets"  // the guest starts again, twice
)

// manner is the variable of the environment that makes a test a fake QEMU.
const manner = "AMIGO_FAKE_QEMU"

// Main makes a test binary a QEMU if a test has set its manner; call it first in TestMain.
func Main() {
	if m := Manner(os.Getenv(manner)); m != "" {
		os.Exit(fake(m, os.Args[1:]))
	}
}

// Setenv lets a test's own binary behave as a QEMU, and returns its path.
func Setenv(t interface {
	Helper()
	Setenv(key, value string)
	Fatal(args ...any)
}, m Manner) string {
	t.Helper()
	t.Setenv(manner, string(m))
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

type object = map[string]any

// stories are what a fake tells by itself, once it has told its ports.
var stories = map[Manner][]object{
	Killed:  {{"event": "SHUTDOWN", "data": object{"guest": false, "reason": "host-signal"}}},
	NoSpace: {{"event": "BLOCK_IO_ERROR", "data": object{"operation": "write", "action": "stop", "nospace": true, "reason": "No space left on device"}}, {"event": "STOP"}},
	Broken:  {{"event": "BLOCK_IO_ERROR", "data": object{"operation": "read", "action": "stop", "nospace": false, "reason": "Input/output error"}}, {"event": "STOP"}},
	Panics:  {{"event": "GUEST_PANICKED", "data": object{"action": "run"}}},
	Resets:  {{"event": "RESET", "data": object{"guest": true}}, {"event": "RESET", "data": object{"guest": true}}},
}

func fake(m Manner, args []string) int {
	conn, err := accept(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch m {
	case Silent:
		time.Sleep(time.Hour)
	case Garbage:
		_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n"))
		time.Sleep(time.Hour)
	default:
	}
	return m.converse(conn)
}

// accept opens the socket that QEMU's arguments name.
func accept(args []string) (net.Conn, error) {
	for i, arg := range args {
		if arg == "-qmp" && i+1 < len(args) {
			path, _, _ := strings.Cut(strings.TrimPrefix(args[i+1], "unix:"), ",")
			listener, err := net.Listen("unix", path)
			if err != nil {
				return nil, err
			}
			return listener.Accept()
		}
	}
	return nil, fmt.Errorf("no monitor in %q", args)
}

func (m Manner) converse(conn net.Conn) int {
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	_ = out.Encode(object{"QMP": object{"version": object{}, "capabilities": []string{}}})
	if m == Dying {
		fmt.Fprintln(os.Stderr, "qemu: could not allocate memory")
		return 1
	}
	for {
		var request struct {
			Execute string `json:"execute"`
			ID      int    `json:"id"`
		}
		if in.Decode(&request) != nil {
			return 0
		}
		switch request.Execute {
		case "human-monitor-command":
			_ = out.Encode(object{"id": request.ID, "return": ""})
			for _, told := range stories[m] {
				_ = out.Encode(told)
			}
			if m == Killed {
				return 0
			}
		case "screendump":
			if m != Slow {
				_ = out.Encode(object{"id": request.ID, "error": object{"class": "GenericError", "desc": "no screen"}})
			}
		case "system_powerdown":
			_ = out.Encode(object{"id": request.ID, "return": object{}})
			_ = out.Encode(object{"event": "SHUTDOWN", "data": object{"guest": true, "reason": "guest-shutdown"}})
			return 0
		default:
			_ = out.Encode(object{"id": request.ID, "return": object{}})
		}
	}
}
