package terminal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// logsKept is how many log files of each command stay in a directory.
const logsKept = 20

// Log writes every event to a file, the output of tools too. A nil Log writes
// nothing: it stands for a log that can't be had.
type Log struct {
	mu  sync.Mutex
	f   *os.File
	err error
}

// OpenLog makes a log file named after what is done and the time, in dir, and
// removes the oldest of that name if there are too many.
func OpenLog(dir, what string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of logs: %w", err)
	}
	sweep(dir, what)
	name := fmt.Sprintf("%s-%s-*.log", time.Now().UTC().Format("20060102T150405"), what)
	f, err := os.CreateTemp(dir, name)
	if err != nil {
		return nil, fmt.Errorf("making a log file: %w", err)
	}
	return &Log{f: f}, nil
}

// sweep leaves room for one more log. Those of each command count by themselves,
// so that many short commands do not remove the log of a build.
func sweep(dir, what string) {
	logs, err := filepath.Glob(filepath.Join(dir, "[0-9]*-"+what+"-*.log"))
	if err != nil || len(logs) < logsKept {
		return
	}
	slices.Sort(logs)
	for _, old := range logs[:len(logs)-logsKept+1] {
		_ = os.Remove(old)
	}
}

// LogFile returns a log that is written to path, replacing what was there.
func LogFile(path string) (*Log, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("making the log file: %w", err)
	}
	return &Log{f: f}, nil
}

// Path returns where the log is, or "".
func (l *Log) Path() string {
	if l == nil {
		return ""
	}
	return l.f.Name()
}

// Emit writes a line; progress is left out.
func (l *Log) Emit(e event.Event) {
	if l == nil || e.Type == event.Progress {
		return
	}
	e = clean(e)
	words := []string{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), e.Build, e.Phase, string(e.Type)}
	if e.Type == event.PhaseEnd {
		words = append(words, string(e.Status), "("+Elapsed(e.Elapsed)+")")
	}
	words = slices.DeleteFunc(append(words, e.Text), func(w string) bool { return w == "" })
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.f.WriteString(strings.Join(words, " ") + "\n"); l.err == nil {
		l.err = err
	}
}

// Err returns the first error of writing, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close closes the file.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}
