package pipeline

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// TemplateError is what is wrong with a template, with the source text that
// shows where.
type TemplateError struct {
	Diagnostics hcl.Diagnostics
	files       map[string]*hcl.File
	private     []string // names of files whose lines are not shown
	mask        *mask
}

// Error returns the first fault, and how many more there are.
func (e *TemplateError) Error() string {
	faults := e.Diagnostics.Errs()
	if len(faults) == 0 {
		return "the template is not valid"
	}
	text := e.mask.hide(faults[0].Error())
	if more := len(faults) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// most is how many faults are written: a file that is not a template has thousands.
const most = 20

// Write writes the faults, wrapped to width columns (0: not wrapped), with their
// lines of the template, unless those may hold secrets.
func (e *TemplateError) Write(w io.Writer, width int, color bool) error {
	var text strings.Builder
	columns := uint(max(0, width)) //nolint:gosec // it is not negative
	shown := e.shown()
	more := max(0, len(shown)-most)
	if err := hcl.NewDiagnosticTextWriter(&text, e.printable(), columns, color).WriteDiagnostics(shown[:len(shown)-more]); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(&text, "There are %d more.\n\n", more)
	}
	_, err := io.WriteString(w, e.mask.hide(text.String()))
	return err
}

// Hide returns text with the template's sensitive values masked.
func (e *TemplateError) Hide(text string) string { return e.mask.hide(text) }

func errorAt(subject hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  &subject,
	}
}

func warningAt(subject hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := errorAt(subject, summary, format, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// noSubject is a fault that no line of the template shows.
func noSubject(summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...)}
}

// suggest returns the sentence that names the known name nearest to given, or
// all of them if none is near.
func suggest(given string, known []string) string {
	if near := nearest.Name(given, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if len(known) == 0 {
		return "There are none."
	}
	return fmt.Sprintf("There are: %s.", joined(known))
}

// joined returns names, each on one line, with commas between them.
func joined(names []string) string {
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = printable.Line(name)
	}
	return strings.Join(lines, ", ")
}
