package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// monitor is a client of the QEMU Machine Protocol,
// https://www.qemu.org/docs/master/interop/qmp-spec.html.
type monitor struct {
	conn net.Conn
	dec  *json.Decoder
	mu   sync.Mutex // one command at a time
}

// message is whatever QEMU sends.
type message struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
}

// answerTime bounds a command that the caller did not bound. Emulating QEMU
// on a busy host answers late.
const answerTime = 30 * time.Second

var errNoMonitor = errors.New("qemu did not open its monitor")

// dialMonitor connects to the socket, which QEMU makes shortly after its start.
func dialMonitor(ctx context.Context, socket string, exited <-chan struct{}) (*monitor, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, errNoMonitor)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			m := &monitor{conn: conn, dec: json.NewDecoder(conn)}
			return m, m.negotiate(ctx)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-exited:
			return nil, errNoMonitor
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// negotiate reads the greeting and leaves the mode in which nothing else works.
func (m *monitor) negotiate(ctx context.Context) error {
	var greeting struct {
		QMP json.RawMessage
	}
	if err := m.dec.Decode(&greeting); err != nil {
		return fmt.Errorf("reading qemu's greeting: %w", err)
	}
	return m.execute(ctx, "qmp_capabilities", nil, nil)
}

// execute runs one command and decodes what it returns into result, unless
// that is nil.
func (m *monitor) execute(ctx context.Context, name string, arguments map[string]any, result any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	request := map[string]any{"execute": name}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(request); err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	answer, err := m.answer()
	switch {
	case err != nil:
		return fmt.Errorf("qmp %s: %w", name, err)
	case answer.Error != nil:
		return fmt.Errorf("qmp %s: %s: %s", name, answer.Error.Class, answer.Error.Desc)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(answer.Return, result); err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	return nil
}

// answer returns the next message that is not an event.
func (m *monitor) answer() (message, error) {
	for {
		var msg message
		if err := m.dec.Decode(&msg); err != nil {
			return msg, err
		}
		if msg.Event == "" {
			return msg, nil
		}
	}
}

// human runs a command of the human monitor, for what QMP has no command for.
func (m *monitor) human(ctx context.Context, line string) (string, error) {
	var out string
	err := m.execute(ctx, "human-monitor-command", map[string]any{"command-line": line}, &out)
	return out, err
}

func (m *monitor) close() { _ = m.conn.Close() }
