package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// Report tells the error and returns its exit status.
func (a *App) Report(err error) int {
	var wrong *pipeline.TemplateError
	if errors.As(err, &wrong) && !errors.As(err, new(*pipeline.BuildError)) {
		return a.reportTemplate(wrong)
	}
	var quiet *StatusError
	if errors.As(err, &quiet) {
		return quiet.Status
	}
	status := fault.Other
	for i, f := range FaultsOf(err) {
		if i == 0 || f.Code == fault.Interrupted {
			status = f.Code
		}
		a.tell(f)
	}
	return status
}

func (a *App) tell(f *fault.Error) {
	a.Word(f)
	f.Log = cmp.Or(f.Log, a.logOf(f))
	f = shown(f)
	if a.JSON {
		_ = json.NewEncoder(Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			*fault.Error
		}{"error", f})
		if Stdout.Err() == nil {
			return
		}
	}
	var text strings.Builder
	_ = f.Write(&text)
	_, _ = io.WriteString(Stderr, terminal.Wrapped(os.Stderr, text.String()))
}

// logOf is the log that says more about a fault, or "": one that is empty does
// not, and neither a mistyped command nor Ctrl-C needs one.
func (a *App) logOf(f *fault.Error) string {
	info, err := os.Stat(a.LogPath)
	if err != nil || info.Size() == 0 || f.Code == fault.Usage || f.Code == fault.Interrupted {
		return ""
	}
	return a.LogPath
}

// Word says in words what f knows to try.
func (a *App) Word(f *fault.Error) {
	if f.Try == "" {
		f.Try = a.Words(f.Do)
	}
}

// shown is a fault with its addresses as anybody may see them.
func shown(f *fault.Error) *fault.Error {
	other := *f
	for _, text := range []*string{&other.What, &other.Where, &other.Kept, &other.Try} {
		*text = address.ShownIn(*text)
	}
	return &other
}

func (a *App) reportTemplate(wrong *pipeline.TemplateError) int {
	if !a.JSON {
		a.ShowTemplate(wrong)
		a.tell(NotValid(wrong))
		return fault.Other
	}
	for _, d := range wrong.Diagnostics {
		f := &fault.Error{What: wrong.Hide(d.Summary + ": " + d.Detail), Code: fault.Other}
		if d.Subject != nil {
			f.Where = d.Subject.String()
		}
		a.tell(f)
	}
	return fault.Other
}

// NotValid says that a template is not valid, and how many faults it has.
func NotValid(wrong *pipeline.TemplateError) *fault.Error {
	return &fault.Error{What: fmt.Sprintf("the template is not valid: %s", Count(len(wrong.Diagnostics.Errs()), "fault")), Code: fault.Other}
}

// ShowTemplate shows faults or warnings with their lines of the template.
func (a *App) ShowTemplate(wrong *pipeline.TemplateError) {
	width := min(terminal.Width(os.Stderr), 100)
	_ = wrong.Write(Stderr.Coloured(), width, a.Colour.Coloured(os.Stderr))
}
