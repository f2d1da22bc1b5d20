// Package lines reads texts that are far larger than the memory, such as
// ontologies and annotations, line by line. A line is UTF-8 without control
// characters but tabs, and says where it stands.
package lines

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Longest is how many bytes a line may have. The longest of GO's own files has
// some 100 kB.
const Longest = 1 << 20

// Faults that a line can have. Such a line is not returned.
const (
	TooLong   = "the line has more than 1 MiB"
	NotUTF8   = "the line is not UTF-8"
	Unprinted = "the line has a control character"
)

// ErrUTF16 tells that a file is in an encoding that has two bytes a character.
var ErrUTF16 = errors.New("is UTF-16: convert it to UTF-8")

// Place is where something is written.
type Place struct {
	File string // its name, without a directory
	Line int    // from 1
}

// String returns the place as compilers write it.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Version is what a file says of itself.
type Version struct {
	Kind    string // "ontology", "gaf"
	Version string // "releases/2026-10-07", or ""
	Date    string // "2026-10-07", or ""
	File    string // its name, without a directory
}

// Cleaned returns a version that can be shown on a page and written into a line of
// words between tabs, with the day that is found in it if it has none.
func (v Version) Cleaned() Version {
	v.Version, v.File = safe(v.Version), safe(v.File)
	v.Date = day.FindString(v.Date)
	if v.Date == "" {
		v.Date = day.FindString(v.Version)
	}
	return v
}

// safe returns text without what has a meaning in HTML, in Perl or between tabs.
func safe(text string) string {
	return fault.Short(strings.Map(func(c rune) rune {
		if strings.ContainsRune("<>&'\"\\", c) {
			return -1
		}
		return c
	}, Clean(text)), longest)
}

// Clean returns text with a space in the place of each control character, and
// without spaces around it.
func Clean(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text))
}

// longest is how many characters of a text from a file are shown.
const longest = 60

var day = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)

// Reader reads a file that may be compressed by gzip.
type Reader struct {
	Place Place // of the line that was returned last

	text   *bufio.Reader
	fault  func(Place, string)
	close  []io.Closer
	buffer []byte
}

// Open opens the file at path. fault is told of each line that is left out. Reading
// ends with ctx.
func Open(ctx context.Context, path string, fault func(at Place, what string)) (*Reader, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := New(ctx, f, filepath.Base(path), fault)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	r.close = append(r.close, f)
	return r, nil
}

// New is [Open] for what is read from in, and called name.
func New(ctx context.Context, in io.Reader, name string, fault func(at Place, what string)) (*Reader, error) {
	r := &Reader{Place: Place{File: name}, text: bufio.NewReaderSize(until(ctx, in), 256<<10), fault: fault}
	if head, _ := r.text.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r.text)
		if err != nil {
			return nil, err
		}
		r.close = append(r.close, z)
		r.text = bufio.NewReaderSize(until(ctx, z), 256<<10)
	}
	head, _ := r.text.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = r.text.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, ErrUTF16
	}
	return r, nil
}

// reading is a function that reads.
type reading func([]byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

// until reads from in until ctx ends.
func until(ctx context.Context, in io.Reader) io.Reader {
	return reading(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return in.Read(p)
	})
}

// Close closes the file.
func (r *Reader) Close() error {
	var faults []error
	for _, c := range r.close {
		faults = append(faults, c.Close())
	}
	return errors.Join(faults...)
}

// Head returns up to n bytes of what is read next, without reading it.
func (r *Reader) Head(n int) []byte {
	head, _ := r.text.Peek(n)
	return head
}

// Rest is what has not been read yet, for a file that has no lines.
func (r *Reader) Rest() io.Reader { return r.text }

// Next returns the next line without its end, until [io.EOF]. It is valid until
// the next call.
func (r *Reader) Next() ([]byte, error) {
	for {
		line, whole, err := r.read()
		if err != nil {
			return nil, err
		}
		r.Place.Line++
		switch {
		case !whole:
			r.fault(r.Place, TooLong)
		case !utf8.Valid(line):
			r.fault(r.Place, NotUTF8)
		case hasControl(line):
			r.fault(r.Place, Unprinted)
		default:
			return line, nil
		}
	}
}

// read returns a line, and whether that is all of it.
func (r *Reader) read() (line []byte, whole bool, err error) {
	part, err := r.text.ReadSlice('\n')
	if err == nil {
		return bytes.TrimRight(part, "\r\n"), true, nil
	}
	r.buffer = r.buffer[:0]
	whole = true
	for errors.Is(err, bufio.ErrBufferFull) {
		if whole = whole && len(r.buffer)+len(part) <= Longest; whole {
			r.buffer = append(r.buffer, part...)
		}
		part, err = r.text.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(part)+len(r.buffer) == 0 && whole) {
		if !errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s, after line %d: %w", r.Place.File, r.Place.Line, err)
		}
		return nil, false, err
	}
	if whole = whole && len(r.buffer)+len(part) <= Longest; whole {
		r.buffer = append(r.buffer, part...)
	}
	return bytes.TrimRight(r.buffer, "\r\n"), whole, nil
}

func hasControl(line []byte) bool {
	return bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}
