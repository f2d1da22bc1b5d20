package event

import (
	"bytes"
	"sync"
)

// maxLine bounds what is kept of a line without an end, in bytes.
const maxLine = 16 << 10

// Lines is a writer that hands each complete line it is given, without its
// end, to a function. Close hands on what is left.
type Lines struct {
	mu   sync.Mutex
	rest []byte
	emit func(string)
}

// NewLines returns a [Lines] that calls emit for each line.
func NewLines(emit func(string)) *Lines { return &Lines{emit: emit} }

// Write never fails.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexAny(l.rest, "\r\n")
		next := end + 1
		if end < 0 {
			if len(l.rest) < maxLine {
				return len(p), nil
			}
			end, next = maxLine, maxLine
		}
		l.flush(l.rest[:end])
		l.rest = append(l.rest[:0], l.rest[next:]...)
	}
}

// Close hands on an unfinished last line.
func (l *Lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(l.rest)
	l.rest = nil
	return nil
}

func (l *Lines) flush(line []byte) {
	if len(line) > 0 {
		l.emit(string(line))
	}
}
