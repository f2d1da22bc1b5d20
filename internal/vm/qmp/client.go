// Package qmp speaks with a running QEMU in the QEMU Machine Protocol,
// https://www.qemu.org/docs/master/interop/qmp-spec.html.
package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Client is a connection to a QEMU. Several commands may be under way at a time.
type Client struct {
	conn   net.Conn
	notify func(Event)

	mu      sync.Mutex
	last    int                  // id of the last command
	waiting map[int]chan message // commands without an answer
	done    chan struct{}        // closed when nothing more is read
	failed  error                // why
}

// Event is what QEMU tells by itself, see
// https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html.
type Event struct {
	Name string          // like "SHUTDOWN"
	Data json.RawMessage // an object, or nil
}

// Read decodes what an event tells into data, and leaves data as it is where the event
// tells nothing of it.
func (e Event) Read(data any) {
	_ = json.Unmarshal(e.Data, data)
}

// Error is what QEMU answers to a command that it cannot carry out.
type Error struct {
	Command string
	Class   string
	Desc    string
}

func (e *Error) Error() string { return fmt.Sprintf("qmp %s: %s: %s", e.Command, e.Class, e.Desc) }

// message is whatever QEMU sends.
type message struct {
	QMP    json.RawMessage `json:"QMP"` // of the greeting
	ID     int             `json:"id"`  // of the command that this answers
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string          `json:"event"` // its name
	Data  json.RawMessage `json:"data"`  // of the event
}

// answerTime bounds a command. What takes longer is a job, which QEMU tells of by events.
// Emulating QEMU on a busy host answers late.
const answerTime = 30 * time.Second

var (
	// ErrNoMonitor says that there is no QEMU to speak with.
	ErrNoMonitor = errors.New("qemu did not open its monitor")
	// ErrNoAnswer says that a command was not answered in time.
	ErrNoAnswer = errors.New("no answer in time")
)

// Dial connects to a socket, which QEMU makes shortly after its start, until exited is
// closed or half a minute is over. Each event is handed to notify, in order: it must not
// wait for an answer of the client.
func Dial(ctx context.Context, socket string, exited <-chan struct{}, notify func(Event)) (*Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, ErrNoMonitor)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			return newClient(ctx, conn, notify)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-exited:
			return nil, ErrNoMonitor
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// newClient reads the greeting, which comes before ctx ends or not at all, and
// leaves the mode in which nothing else works.
func newClient(ctx context.Context, conn net.Conn, notify func(Event)) (*Client, error) {
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
	c := &Client{conn: conn, notify: notify, waiting: map[int]chan message{}, done: make(chan struct{})}
	go c.read(decoder)
	if err := c.Execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// read hands answers to the commands that wait for them. An answer that nobody
// waits for any more is dropped.
func (c *Client) read(decoder *json.Decoder) {
	defer close(c.done)
	for {
		var answer message
		err := decoder.Decode(&answer)
		switch {
		case err != nil:
			c.fail(err)
			return
		case answer.Event != "":
			c.notify(Event{Name: answer.Event, Data: answer.Data})
		default:
			c.hand(answer)
		}
	}
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = err
}

func (c *Client) hand(answer message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiter, ok := c.waiting[answer.ID]; ok {
		waiter <- answer
		delete(c.waiting, answer.ID)
	}
}

// Execute runs one command and decodes what it returns into result, unless that is nil.
// A command that QEMU refuses gives an [*Error]. One that gets no answer until ctx ends, or
// for half a minute, fails alone: the next one gets its own answer.
func (c *Client) Execute(ctx context.Context, name string, arguments map[string]any, result any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, ErrNoAnswer)
	defer cancel()
	answer, err := c.ask(ctx, name, arguments)
	switch {
	case err != nil:
		return fmt.Errorf("qmp %s: %w", name, err)
	case answer.Error != nil:
		return &Error{Command: name, Class: answer.Error.Class, Desc: answer.Error.Desc}
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(answer.Return, result); err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	return nil
}

// ask sends a command and waits for its answer.
func (c *Client) ask(ctx context.Context, name string, arguments map[string]any) (message, error) {
	answers := make(chan message, 1)
	id, err := c.send(name, arguments, answers)
	if err != nil {
		return message{}, err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-c.done:
		select {
		case answer := <-answers: // QEMU answers "quit" and goes
			return answer, nil
		default:
			return message{}, c.failed
		}
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
		return message{}, context.Cause(ctx)
	}
}

func (c *Client) send(name string, arguments map[string]any, answers chan message) (id int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	request := map[string]any{"execute": name, "id": c.last}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	c.waiting[c.last] = answers
	return c.last, json.NewEncoder(c.conn).Encode(request)
}

// Human runs a command of the human monitor, for what QMP has no command for.
func (c *Client) Human(ctx context.Context, line string) (string, error) {
	var out string
	err := c.Execute(ctx, "human-monitor-command", map[string]any{"command-line": line}, &out)
	return out, err
}

// Done is closed when nothing more comes from QEMU, and all events were handed over.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the connection. Commands that are under way fail.
func (c *Client) Close() { _ = c.conn.Close() }
