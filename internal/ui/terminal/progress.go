package terminal

import (
	"fmt"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// progress is how far a phase is.
type progress struct {
	done, total int64
	unit        event.Unit
	since       time.Time // of the first report
	first       int64     // Done of the first report
}

func (p *progress) update(e event.Event, now time.Time) {
	if p.since.IsZero() || e.Total != p.total {
		p.since, p.first = now, e.Done
	}
	p.done, p.total, p.unit = e.Done, e.Total, e.Unit
}

func (p *progress) known() bool { return p.total > 0 }

func (p *progress) percent() int {
	if p.total <= 0 {
		return 0
	}
	return int(100 * float64(min(p.done, p.total)) / float64(p.total))
}

// rate is the speed so far: "12.3 MiB/s"; "" while that would be a guess, and for
// what is not bytes.
func (p *progress) rate(now time.Time) string {
	spent, made := now.Sub(p.since), p.done-p.first
	if p.unit != event.Bytes || spent < time.Second || made <= 0 {
		return ""
	}
	return bytesize.Of(int64(float64(made)/spent.Seconds())) + "/s"
}

// left returns how long the rest takes at the speed so far; false while that
// would be a guess.
func (p *progress) left(now time.Time) (time.Duration, bool) {
	spent, made := now.Sub(p.since), p.done-p.first
	if spent < time.Second || made <= 0 || p.total <= 0 {
		return 0, false
	}
	rest := float64(p.total-p.done) / float64(made) * float64(spent)
	return time.Duration(max(0, rest)), true
}

// amount is what of how much: "64%  1.2/1.9 GiB".
func (p *progress) amount() string {
	text := fmt.Sprintf("%3d%%", p.percent())
	if p.unit == event.Bytes {
		text += "  " + fraction(p.done, p.total)
	}
	return text
}

// bar draws a bar of n columns.
func (p *progress) bar(n int) string {
	if n < 6 {
		return ""
	}
	inner := n - 2
	full := inner * p.percent() / 100
	head := ""
	if full < inner {
		head = ">"
	}
	return "[" + strings.Repeat("=", full) + head + strings.Repeat(" ", inner-full-len(head)) + "]"
}

// clock writes a rest of time: "0:21 left".
func clock(d time.Duration) string {
	s := int(d.Seconds() + 0.5)
	return fmt.Sprintf("%d:%02d left", s/60, s%60)
}
