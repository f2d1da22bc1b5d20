// Package terminaltest has a terminal that remembers all that was written to it.
package terminaltest

import (
	"bytes"
	"os"
	"testing"

	"github.com/creack/pty"
)

// end is what no program under test writes.
const end = "\x00the end\x00"

// Terminal is one end of a pseudo-terminal for the program under test, and one for whoever
// sits before it.
type Terminal struct {
	Program, Person *os.File

	t     testing.TB
	shown chan string
}

// Open returns a terminal of 24 rows and so many columns. It is closed when the test ends.
func Open(t testing.TB, columns uint16) *Terminal {
	t.Helper()
	person, program, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = person.Close(), program.Close() })
	if err := pty.Setsize(person, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	s := &Terminal{Program: program, Person: person, t: t, shown: make(chan string, 1)}
	go s.read()
	return s
}

// read waits for the mark, not for the program's end to be closed: what was written just
// before that may be lost.
func (s *Terminal) read() {
	var text []byte
	part := make([]byte, 4096)
	for !bytes.HasSuffix(text, []byte(end)) {
		n, err := s.Person.Read(part)
		if err != nil {
			break
		}
		text = append(text, part[:n]...)
	}
	s.shown <- string(bytes.TrimSuffix(text, []byte(end)))
}

// Shown returns all that was written, once. Nobody may write at the same time.
func (s *Terminal) Shown() string {
	s.t.Helper()
	if _, err := s.Program.WriteString(end); err != nil {
		s.t.Fatal(err)
	}
	return <-s.shown
}
