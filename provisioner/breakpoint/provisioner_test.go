package breakpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// person is a user interface that answers, or cannot.
type person struct {
	packersdk.MockUi
	answer func() (string, error)
	said   []string
	asked  bool
}

func (p *person) Say(text string)                   { p.said = append(p.said, text) }
func (p *person) Errorf(format string, args ...any) { p.Say(fmt.Sprintf(format, args...)) }

func (p *person) Ask(string) (string, error) {
	p.asked = true
	return p.answer()
}

func TestProvision(t *testing.T) {
	answers := func() (string, error) { return "", nil }
	nobody := func() (string, error) { return "", errors.New("there is no terminal to ask on") }
	for name, c := range map[string]struct {
		config map[string]any
		answer func() (string, error)
		asked  bool
		said   string
	}{
		"a person":    {map[string]any{}, answers, true, "breakpoint"},
		"a note":      {map[string]any{"note": "look at /etc"}, answers, true, "breakpoint: look at /etc"},
		"nobody":      {map[string]any{}, nobody, true, "breakpoint\nthe build continues: there is no terminal to ask on"},
		"disabled":    {map[string]any{"disable": true}, nobody, false, "breakpoint, disabled"},
		"with a note": {map[string]any{"disable": true, "note": "later"}, nobody, false, "breakpoint, disabled: later"},
	} {
		p, ui := new(Provisioner), &person{answer: c.answer}
		if err := p.Prepare(c.config); err != nil {
			t.Fatal(err)
		}
		if err := p.Provision(t.Context(), ui, nil, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if said := strings.Join(ui.said, "\n"); said != c.said || ui.asked != c.asked {
			t.Errorf("%s: said %q, asked: %v", name, said, ui.asked)
		}
	}
}

// TestStopped: who stops the build need not answer.
func TestStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan string)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("Ctrl-C")
		ui := &person{answer: func() (string, error) {
			cancel(why)
			return <-answered, nil
		}}
		if err := new(Provisioner).Provision(ctx, ui, nil, nil); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		close(answered)
	})
}
