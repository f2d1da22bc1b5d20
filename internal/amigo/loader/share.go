package loader

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Share is a part of a whole, from 0 to 1.
type Share float64

// ParseShare reads "1%" and "off", which allows everything.
func ParseShare(text string) (Share, error) {
	if text == "off" {
		return 1, nil
	}
	number, ok := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(value >= 0 && value <= 100) {
		return 0, fmt.Errorf("%q is not a share like \"1%%\", or \"off\"", text)
	}
	return Share(value / 100), nil
}

// SkippedError tells that more lines of annotations were skipped than may be.
type SkippedError struct {
	Skipped, Lines int
	Max            Share
	Counts         []lines.Count
}

func (e *SkippedError) Error() string {
	text := fmt.Sprintf("%d of %d lines of annotations cannot be loaded, which is more than %g %%", e.Skipped, e.Lines, float64(e.Max*100))
	for _, c := range e.Counts {
		text += "; " + c.String()
	}
	return text
}

// Fault implements [fault.Reporter].
func (e *SkippedError) Fault() fault.Report {
	var found []string
	for _, c := range e.Counts {
		found = append(found, fault.Short(c.String(), fault.Longest))
	}
	return fault.Report{
		What:  fmt.Sprintf("%d of %d lines of annotations cannot be loaded, which is more than %g %%", e.Skipped, e.Lines, float64(e.Max*100)),
		Where: strings.Join(found, "\n"), Code: fault.Verify,
	}
}

func (s Share) check(skipped *lines.Tally, number int) error {
	if n := skipped.Total(); float64(n) > float64(number)*float64(s) {
		return &SkippedError{Skipped: n, Lines: number, Max: s, Counts: skipped.Counts()}
	}
	return nil
}
