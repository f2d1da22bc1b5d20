package loader

import (
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/percent"
)

// Share is a part of a whole, from 0 to 1.
type Share float64

// ParseShare reads "1%" and "off", which allows everything.
func ParseShare(text string) (Share, error) {
	if text == "off" {
		return 1, nil
	}
	part, ok := percent.Parse(text)
	if !ok {
		return 0, fmt.Errorf("%q is not a share like \"1%%\", or \"off\"", text)
	}
	return Share(part), nil
}

// SkippedError tells that more lines of annotations were skipped than may be.
type SkippedError struct {
	Skipped, Lines int
	Max            Share
	Counts         []lines.Count
}

func (e *SkippedError) what() string {
	return fmt.Sprintf("%d of %d lines of annotations cannot be loaded, which is more than %g %%", e.Skipped, e.Lines, float64(e.Max*100))
}

func (e *SkippedError) Error() string {
	text := e.what()
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
	return fault.Report{What: e.what(), Where: strings.Join(found, "\n"), Code: fault.Verify}
}

func (s Share) check(skipped *lines.Tally, number int) error {
	if n := skipped.Total(); float64(n) > float64(number)*float64(s) {
		return &SkippedError{Skipped: n, Lines: number, Max: s, Counts: skipped.Counts()}
	}
	return nil
}
