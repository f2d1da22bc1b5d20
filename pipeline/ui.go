package pipeline

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// ui is the user interface of one component while it runs. It is also an
// [event.Sink]: events of a component that emits its own pass unchanged but
// for the name of the build, masked values and addresses.
//
// A component that only says lines gets one phase of its own name. It begins with the
// first line, or with [ui.show].
type ui struct {
	sink  event.Sink
	mask  *mask
	ask   func(string) (string, error)
	build string
	phase string

	mu      sync.Mutex
	started time.Time // when the component did
	events  bool      // the component has asked for where its events go
	own     bool      // the component emits phases itself
	shown   bool      // the component's own phase was started here
}

var (
	_ packersdk.Ui = (*ui)(nil)
	_ event.Sink   = (*ui)(nil)
)

func (u *ui) Emit(e event.Event) {
	if e.Type == event.PhaseStart {
		u.mu.Lock()
		u.own = true
		u.mu.Unlock()
	}
	u.emit(e)
}

func (u *ui) emit(e event.Event) {
	e.Build = u.build
	e.Text = address.ShownIn(u.mask.hide(e.Text))
	u.sink.Emit(e)
}

func (u *ui) say(t event.Type, text string) {
	u.begin()
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		u.emit(event.Event{Type: t, Phase: u.phase, Text: strings.TrimRight(line, "\r")})
	}
}

// begin starts the component's phase, unless it has phases of its own.
func (u *ui) begin() {
	u.mu.Lock()
	start := !u.own && !u.shown && u.phase != ""
	u.shown = u.shown || start
	u.mu.Unlock()
	if start {
		u.emit(event.Event{Type: event.PhaseStart, Phase: u.phase, Elapsed: time.Since(u.started)})
	}
}

// Events returns the component's own sink. A component that asks for it has phases.
func (u *ui) Events() event.Sink {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.events = true
	return u
}

// silence is how long a component says nothing before its phase is shown.
const silence = time.Second

// show begins the phase of a component that works in silence. It returns what ends the
// waiting for it.
func (u *ui) show() (stop func()) {
	timer := time.AfterFunc(silence, func() {
		u.mu.Lock()
		events := u.events
		u.mu.Unlock()
		if !events {
			u.begin()
		}
	})
	return func() { timer.Stop() }
}

// end ends the component's phase and returns err.
func (u *ui) end(err error) error {
	u.mu.Lock()
	own := u.own && !u.shown
	u.mu.Unlock()
	if own {
		return err
	}
	u.begin()
	e := event.Event{Type: event.PhaseEnd, Phase: u.phase, Status: event.OK, Elapsed: time.Since(u.started)}
	if err != nil {
		e.Status, e.Text = event.Failed, err.Error()
	}
	u.emit(e)
	return err
}

func (u *ui) Ask(query string) (string, error) {
	if u.ask == nil {
		return "", errors.New("there is no terminal to ask on")
	}
	return u.ask(u.mask.hide(query))
}

func (u *ui) Askf(query string, args ...any) (string, error) {
	return u.Ask(fmt.Sprintf(query, args...))
}
func (u *ui) Say(text string)                 { u.say(event.Message, text) }
func (u *ui) Sayf(text string, args ...any)   { u.Say(fmt.Sprintf(text, args...)) }
func (u *ui) Message(text string)             { u.say(event.Message, text) }
func (u *ui) Error(text string)               { u.say(event.Warning, text) }
func (u *ui) Errorf(text string, args ...any) { u.Error(fmt.Sprintf(text, args...)) }

// Machine is for Packer's machine-readable output: the log has it.
func (u *ui) Machine(category string, args ...string) {
	u.emit(event.Event{Type: event.Detail, Phase: u.phase, Text: category + "," + strings.Join(args, ",")})
}

// TrackProgress reports how much of a stream was read, as a phase named after
// the end of src.
func (u *ui) TrackProgress(src string, current, total int64, stream io.ReadCloser) io.ReadCloser {
	// A sink of its own: a transfer is not a phase that the component emits.
	phase := event.Start(sinkFunc(u.emit), "transfer", filepath.Base(src))
	return &tracked{ReadCloser: stream, phase: phase, done: current, total: total}
}

type sinkFunc func(event.Event)

func (f sinkFunc) Emit(e event.Event) { f(e) }

// tracked is a stream that reports its progress.
type tracked struct {
	io.ReadCloser
	phase       *event.Phase
	done, total int64
	err         error
}

func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.done += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	t.phase.Progress(t.done, t.total, event.Bytes)
	return n, err
}

func (t *tracked) Close() error {
	_ = t.phase.End(event.OK, "", t.err)
	return t.ReadCloser.Close()
}
