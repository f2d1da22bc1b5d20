package keep

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Span is a length of time as a calendar counts it. It is the value of a flag.
type Span struct{ Years, Months, Days, Hours int }

var spanForm = regexp.MustCompile(`^(?:(\d{1,4})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$`)

// ParseSpan reads a span such as "1y6m", "14d" or "36h": years, months, days
// and hours, in this order.
func ParseSpan(text string) (Span, error) {
	parts := spanForm.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return Span{}, fmt.Errorf("%q is not a length of time (years, months, days, hours: 1y6m, 14d, 36h)", text)
	}
	var n [4]int
	for i, part := range parts[1:] {
		if part == "" {
			continue
		}
		var err error
		if n[i], err = strconv.Atoi(part); err != nil {
			return Span{}, fmt.Errorf("reading %q: %w", text, err)
		}
	}
	return Span{n[0], n[1], n[2], n[3]}, nil
}

// String returns the span as [ParseSpan] reads it.
func (s Span) String() string {
	text := ""
	for _, part := range []struct {
		n    int
		unit string
	}{{s.Years, "y"}, {s.Months, "m"}, {s.Days, "d"}, {s.Hours, "h"}} {
		if part.n != 0 {
			text += strconv.Itoa(part.n) + part.unit
		}
	}
	return text
}

// Set reads the span from a flag.
func (s *Span) Set(text string) error {
	parsed, err := ParseSpan(text)
	if err == nil {
		*s = parsed
	}
	return err
}

// Type names the value in a command's help.
func (s *Span) Type() string { return "span" }

// Before returns the time this long before t.
func (s Span) Before(t time.Time) time.Time {
	return t.AddDate(-s.Years, -s.Months, -s.Days).Add(time.Duration(-s.Hours) * time.Hour)
}
