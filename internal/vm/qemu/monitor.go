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

	mu      sync.Mutex
	last    int                  // id of the last command
	waiting map[int]chan message // commands without an answer
	done    chan struct{}        // closed when nothing more is read
	failed  error                // why
}

// message is whatever QEMU sends.
type message struct {
	QMP    json.RawMessage `json:"QMP"` // of the greeting
	ID     int             `json:"id"`  // of the command that this answers
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// answerTime bounds a command that the caller did not bound. Emulating QEMU
// on a busy host answers late.
const answerTime = 30 * time.Second

var (
	errNoMonitor = errors.New("qemu did not open its monitor")
	errNoAnswer  = errors.New("no answer in time")
)

// dialMonitor connects to the socket, which QEMU makes shortly after its start.
func dialMonitor(ctx context.Context, socket string, exited <-chan struct{}) (*monitor, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, errNoMonitor)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			return newMonitor(ctx, conn)
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

// newMonitor reads the greeting, which comes before ctx ends or not at all, and
// leaves the mode in which nothing else works.
func newMonitor(ctx context.Context, conn net.Conn) (*monitor, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	decoder := json.NewDecoder(conn)
	var greeting message
	err := decoder.Decode(&greeting)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading qemu's greeting: %w", err), conn.Close())
	}
	m := &monitor{conn: conn, waiting: map[int]chan message{}, done: make(chan struct{})}
	go m.read(decoder)
	if err := m.execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return m, nil
}

// read hands answers to the commands that wait for them. An answer that nobody
// waits for any more is dropped, and so are events.
func (m *monitor) read(decoder *json.Decoder) {
	defer close(m.done)
	for {
		var answer message
		err := decoder.Decode(&answer)
		m.mu.Lock()
		if err != nil {
			m.failed = err
			m.mu.Unlock()
			return
		}
		if waiter, ok := m.waiting[answer.ID]; ok {
			waiter <- answer
			delete(m.waiting, answer.ID)
		}
		m.mu.Unlock()
	}
}

// execute runs one command and decodes what it returns into result, unless
// that is nil. A command that gets no answer in time leaves the monitor as it
// was.
func (m *monitor) execute(ctx context.Context, name string, arguments map[string]any, result any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, errNoAnswer)
	defer cancel()
	answer, err := m.ask(ctx, name, arguments)
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

// ask sends a command and waits for its answer.
func (m *monitor) ask(ctx context.Context, name string, arguments map[string]any) (message, error) {
	answers := make(chan message, 1)
	id, err := m.send(name, arguments, answers)
	if err != nil {
		return message{}, err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-m.done:
		return message{}, m.failed
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.waiting, id)
		return message{}, context.Cause(ctx)
	}
}

func (m *monitor) send(name string, arguments map[string]any, answers chan message) (id int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	request := map[string]any{"execute": name, "id": m.last}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := m.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	m.waiting[m.last] = answers
	return m.last, json.NewEncoder(m.conn).Encode(request)
}

// human runs a command of the human monitor, for what QMP has no command for.
func (m *monitor) human(ctx context.Context, line string) (string, error) {
	var out string
	err := m.execute(ctx, "human-monitor-command", map[string]any{"command-line": line}, &out)
	return out, err
}

func (m *monitor) close() { _ = m.conn.Close() }
