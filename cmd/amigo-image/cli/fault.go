package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// FaultsOf returns what a person needs to read of err: one fault for each build
// that failed, else one.
func FaultsOf(err error) []*fault.Error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []*fault.Error{FaultOf(err)}
	}
	var all []*fault.Error
	for _, one := range list.Unwrap() {
		all = append(all, FaultsOf(one)...)
	}
	return all
}

// FaultOf returns the fault in err's chain, or makes one of what its errors
// report and of where in a build they happened.
func FaultOf(err error) *fault.Error {
	var build *pipeline.BuildError
	_ = errors.As(err, &build)
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		f := *known
		if f.Code == fault.OK {
			f.Code = fault.Other
		}
		if place := (*field.Error)(nil); errors.As(err, &place) {
			f.Where = strings.TrimSpace("setting " + place.Field + "\n" + f.Where)
		}
		hideIn(&f, build)
		return &f
	}
	if errors.Is(err, context.Canceled) {
		return &fault.Error{What: "stopped", Code: fault.Interrupted, Err: err}
	}
	places, inner := placed(err)
	r := reportOf(inner)
	f := &fault.Error{What: r.What, Where: r.Where, Kept: r.Kept, Do: r.Try, Code: r.Code, Err: err}
	if len(places) > 0 && r.Code == fault.Other {
		f.Code = fault.Build
	}
	hideIn(f, build) // before it is cut
	f.What, f.Where = firstLine(f.What, strings.TrimSpace(strings.Join(places, ", ")+"\n"+f.Where))
	return f
}

// hideIn masks what a build's template calls sensitive.
func hideIn(f *fault.Error, build *pipeline.BuildError) {
	if build == nil {
		return
	}
	for _, text := range []*string{&f.What, &f.Where, &f.Kept, &f.Try} {
		*text = build.Hide(*text)
	}
}

// placed takes off an error what says where in a build it happened.
func placed(err error) (places []string, inner error) {
	inner = err
	if build := (*pipeline.BuildError)(nil); errors.As(err, &build) {
		inner, places = build.Err, append(places, "build "+build.Build)
	}
	if step := (*pipeline.StepError)(nil); errors.As(err, &step) {
		inner, places = step.Err, append(places, step.Step)
	}
	return places, inner
}

// firstLine keeps one short line as the fact; the rest says where.
func firstLine(what, where string) (string, string) {
	first, rest, _ := strings.Cut(strings.TrimSpace(what), "\n")
	if end := breakAt(first); end > 0 {
		first, rest = first[:end], strings.TrimLeft(first[end:], ":; ")+"\n"+rest
	}
	return first, strings.TrimSpace(where + "\n" + rest)
}

// breakAt returns where a text that is too long is best broken, or 0.
func breakAt(text string) int {
	if len(text) <= fault.Longest {
		return 0
	}
	for _, separator := range []string{"; ", ": "} {
		if end := strings.Index(text[:fault.Longest], separator); end > 0 {
			return end
		}
	}
	return 0
}

// StatusError ends the program with a status and without a message.
type StatusError struct{ Status int }

func (s *StatusError) Error() string { return fmt.Sprintf("exit status %d", s.Status) }
