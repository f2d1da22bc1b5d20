package pipeline

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// shown returns the faults as people may see them. Values are masked before the
// text is wrapped, which cuts them. Which variable is sensitive may not be known
// yet when a file of variables is not valid, so none of these files' lines is
// shown, nor any of a variable's block that is said to be sensitive.
func (e *TemplateError) shown() hcl.Diagnostics {
	all := make(hcl.Diagnostics, len(e.Diagnostics))
	for i, d := range e.Diagnostics {
		one := *d
		one.Summary, one.Detail = printable.Escape(e.mask.hide(d.Summary)), printable.Escape(e.mask.hide(d.Detail))
		if s := d.Subject; s != nil && e.isPrivate(*s) {
			one.Detail = fmt.Sprintf("In %s, line %d, column %d; the line may hold a secret, and is not shown. %s",
				s.Filename, s.Start.Line, s.Start.Column, one.Detail)
			one.Subject, one.Context, one.Expression, one.EvalContext = nil, nil, nil, nil
		}
		all[i] = &one
	}
	return all
}

var (
	sensitive   = regexp.MustCompile(`(?m)\bsensitive"?\s*[=:]`)
	declaration = regexp.MustCompile(`(?m)^\s*(variable|local)\b`)
	blockEnd    = regexp.MustCompile(`(?m)^}`)
)

// printable returns the files with what a terminal would obey blotted out. Everything
// stays in its place.
func (e *TemplateError) printable() map[string]*hcl.File {
	files := make(map[string]*hcl.File, len(e.files))
	for name, file := range e.files {
		one := *file
		one.Bytes = printable.Blot(file.Bytes)
		files[name] = &one
	}
	return files
}

// isPrivate tells whether lines may hold a secret. It goes by the text: a block
// that is not valid is not known in any other way.
func (e *TemplateError) isPrivate(r hcl.Range) bool {
	if slices.Contains(e.private, r.Filename) {
		return true
	}
	file := e.files[r.Filename]
	if file == nil {
		return false
	}
	if strings.HasSuffix(r.Filename, ".json") {
		return sensitive.Match(file.Bytes)
	}
	// To the end of the line: a fault may be at the beginning of the block.
	line := min(r.Start.Byte, len(file.Bytes))
	if end := bytes.IndexByte(file.Bytes[line:], '\n'); end >= 0 {
		line += end
	} else {
		line = len(file.Bytes)
	}
	starts := declaration.FindAllIndex(file.Bytes[:line], -1)
	if starts == nil {
		return false
	}
	block := file.Bytes[starts[len(starts)-1][0]:]
	if end := blockEnd.FindIndex(block); end != nil {
		if starts[len(starts)-1][0]+end[1] <= r.Start.Byte {
			return false
		}
		block = block[:end[1]]
	}
	return sensitive.Match(block)
}

var quotedPart = regexp.MustCompile(`"[^"]*"`)

// discreet takes out of faults what HCL quotes of the source, but for the names
// of variables: what stands in the place of a value may be the secret.
func discreet(diags hcl.Diagnostics, declared variables) hcl.Diagnostics {
	bare := func(text string) string {
		return quotedPart.ReplaceAllStringFunc(text, func(quoted string) string {
			if _, ok := declared[inner(quoted)]; ok {
				return quoted
			}
			return `"…"`
		})
	}
	var all hcl.Diagnostics
	for _, d := range diags {
		quiet := *d
		quiet.Summary, quiet.Detail = bare(d.Summary), bare(d.Detail)
		all = append(all, &quiet)
	}
	return all
}
