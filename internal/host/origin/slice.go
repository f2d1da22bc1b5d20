package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// slice is a part of a file.
type slice struct {
	path                  string
	offset, length, total int64 // bytes
}

func (s slice) header() string { return fmt.Sprintf("bytes=%d-%d", s.offset, s.offset+s.length-1) }

// check returns an error unless an answer holds the slice and nothing else.
func (s slice) check(r *answer) error {
	if r.status != http.StatusPartialContent {
		return fmt.Errorf("it answers %d to a range", r.status)
	}
	want := fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, s.total)
	if got := r.Header.Values("Content-Range"); len(got) != 1 || got[0] != want {
		return fmt.Errorf("it sends %q instead of %q", got, want)
	}
	if r.ContentLength >= 0 && r.ContentLength != s.length {
		return fmt.Errorf("it sends %d bytes instead of %d", r.ContentLength, s.length)
	}
	if encoding := r.encoding(); encoding != "" {
		return fmt.Errorf("it sends a part encoded as %s", encoding)
	}
	return nil
}

// opener asks for a slice.
type opener func(context.Context, slice) (*answer, error)

// stream reads a slice, over as many connections as it takes.
type stream struct {
	rest      slice
	start     time.Time
	came      int64 // bytes
	answer    *answer
	fruitless int // connections in a row that brought nothing
	pace      pace
	reopen    func(rest slice, fruitless int) (*answer, error)
	notify    func(err error, wait time.Duration)
}

// maxFruitless is how many connections in a row may break before the first byte.
const maxFruitless = 5

// lasting opens a slice whose reader goes on where a connection broke.
func (w *web) lasting(ctx context.Context, s slice, open opener) (io.ReadCloser, error) {
	start := time.Now()
	first, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	reopen := func(rest slice, fruitless int) (*answer, error) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Duration(fruitless) * w.patience.First):
		}
		return open(ctx, rest)
	}
	return &stream{rest: s, start: start, answer: first, reopen: reopen, notify: w.patience.notify, pace: pace{patience: w.patience}}, nil
}

func (s *stream) Read(p []byte) (int, error) {
	if s.rest.length == 0 {
		return 0, s.end()
	}
	if int64(len(p)) > s.rest.length {
		p = p[:s.rest.length]
	}
	asked := time.Now()
	n, err := s.answer.Read(p)
	s.rest.offset += int64(n)
	s.rest.length -= int64(n)
	s.came += int64(n)
	if s.rest.length == 0 {
		return n, nil
	}
	if err == nil {
		if !s.pace.allows(time.Since(asked), int64(n)) {
			return n, inAll(s.answer.failed(errSlow), s.start, s.came)
		}
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = s.answer.failed(io.ErrUnexpectedEOF)
	}
	return n, s.again(err)
}

// again goes on behind the last byte that came.
func (s *stream) again(err error) error {
	s.fruitless++
	if s.answer.bytes > 0 {
		s.fruitless = 0
	}
	if !passing(err) || s.fruitless > maxFruitless {
		return inAll(err, s.start, s.came)
	}
	s.notify(err, 0)
	_ = s.answer.Close()
	next, err := s.reopen(s.rest, s.fruitless)
	if err != nil {
		return inAll(err, s.start, s.came)
	}
	s.answer = next
	return nil
}

// end makes sure that the server sends nothing more.
func (s *stream) end() error {
	n, err := s.answer.Read(make([]byte, 1))
	switch {
	case n > 0:
		return &SizeError{URL: s.answer.url, Got: -1, Want: s.rest.offset}
	case err == nil:
		return s.end()
	}
	return io.EOF
}

func (s *stream) Close() error { return s.answer.Close() }
