package origin

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Patience is how long to wait for a server.
type Patience struct {
	Idle    time.Duration // without a byte, until a connection is given up
	First   time.Duration // before the second attempt; it grows from there
	Longest time.Duration // between two attempts, whatever the server asks for
	Total   time.Duration // without a byte, until everything is given up
	Unmet   time.Duration // the same, for a server that never answered
	// Notify is told of each attempt that failed and of the wait before the
	// next; it may be nil. It is called concurrently.
	Notify func(err error, wait time.Duration)
	// Waiting is told of a small file that has not come whole after Notice; it may
	// be nil. It is called concurrently.
	Waiting func(url string)
	Notice  time.Duration
}

// slowest is how many bytes a server has to send in a second, on the average,
// when Total is over: else one that drips keeps its reader for ever.
const slowest = 4 << 10

// errSlow tells of such a server.
var errSlow = errors.New("the server sends too slowly")

// allows tells whether a small file may take so long, of which bytes have come.
func (p Patience) allows(taken time.Duration, bytes int64) bool {
	return taken <= p.Total+time.Duration(bytes)*time.Second/slowest
}

// pace is how fast a large file comes. Each step of it is looked at by itself, so
// that nobody drips after a fast start; time in which nobody reads does not count.
type pace struct {
	patience Patience
	waited   time.Duration
	bytes    int64
}

const step = 1 << 20 // bytes

// allows tells whether the server may go on, who sent bytes after a wait.
func (p *pace) allows(waited time.Duration, bytes int64) bool {
	p.waited += waited
	p.bytes += bytes
	allowed := p.patience.allows(p.waited, p.bytes)
	if p.bytes >= step {
		p.waited, p.bytes = 0, 0
	}
	return allowed
}

// watch tells that a file is waited for. It returns what ends that.
func (p Patience) watch(url string) func() bool {
	if p.Waiting == nil {
		return func() bool { return true }
	}
	return time.AfterFunc(p.Notice, func() { p.Waiting(url) }).Stop
}

// DefaultPatience returns what suits people: a slow line is not dead.
func DefaultPatience() Patience {
	return Patience{Idle: 30 * time.Second, First: 500 * time.Millisecond, Longest: time.Minute, Unmet: 10 * time.Second, Total: 3 * time.Minute, Notice: 5 * time.Second}
}

// retry calls attempt until it succeeds, fails for good, or patience ends.
func retry[T any](ctx context.Context, p Patience, attempt func() (T, error)) (T, error) {
	start, bytes := time.Now(), int64(0)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = p.First, p.Longest
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := attempt()
		if transport, ok := errors.AsType[*TransportError](err); ok {
			bytes += transport.Bytes
		}
		if err != nil && !passing(err) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(p.Total), backoff.WithNotify(p.notify))
	var later *laterError
	if errors.As(err, &later) {
		err = later.error
	}
	return result, inAll(err, start, bytes)
}

func (p Patience) notify(err error, wait time.Duration) {
	if p.Notify != nil {
		p.Notify(err, wait)
	}
}

// passing tells whether an attempt may succeed when it is made again.
func passing(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code == http.StatusRequestTimeout || status.Code == http.StatusTooManyRequests || status.Code >= 500
	}
	transport, ok := errors.AsType[*TransportError](err)
	return ok && !transport.lasting()
}

// lasting tells whether an error is one that waiting does not cure.
func (e *TransportError) lasting() bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](e)
	name, dns := errors.AsType[*net.DNSError](e)
	return certificate || dns && name.IsNotFound || errors.Is(e, address.ErrLoop) || errors.Is(e, address.ErrPlain) || errors.Is(e, errSlow) || errors.Is(e, context.Canceled)
}

// laterError is an error of which the server said when to come again.
type laterError struct {
	error
	wait time.Duration
}

func (e *laterError) Unwrap() []error {
	return []error{e.error, &backoff.RetryAfterError{Duration: e.wait}}
}

// later adds what the header Retry-After says, seconds or a date, to err.
func (p Patience) later(err error, header string, now time.Time) error {
	var wait time.Duration
	if seconds, e := strconv.Atoi(header); e == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, e := http.ParseTime(header); e == nil {
		wait = date.Sub(now)
	}
	if wait <= 0 {
		return err
	}
	return &laterError{err, min(wait, p.Longest)}
}
