package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestMachine(t *testing.T) {
	var out strings.Builder
	m := NewMachine(&out)
	m.now = func() time.Time { return time.Unix(1700000000, 0) }
	for _, e := range []event.Event{
		{Type: event.PhaseStart, Build: "null.a", Phase: "base"},
		{Type: event.PhaseStart, Build: "null.a", Phase: "boot", Text: "on kvm"},
		{Type: event.Progress, Build: "null.a", Phase: "boot", Done: 1, Total: 2},
		{Type: event.Message, Build: "null.a", Text: "one, two"},
		{Type: event.Detail, Build: "null.a", Text: "a tool's"},
		{Type: event.Warning, Text: "careful\x1b[31m"},
		{Type: event.PhaseEnd, Build: "null.a", Phase: "boot", Status: event.OK},
		{Type: event.PhaseEnd, Build: "null.a", Phase: "shell", Status: event.Failed, Text: "exit status 3"},
	} {
		m.Emit(e)
	}
	m.Line("null.a", "artifact", "0", "string", "two\nlines")
	m.Line("null.a", "artifact", "0", "id", "a\x1b]0;title\a")
	want := `1700000000,,ui,message,==> null.a: boot: on kvm
1700000000,,ui,say,==> null.a: one%!(PACKER_COMMA) two
1700000000,,ui,error,careful
1700000000,,ui,error,==> null.a: shell: exit status 3
1700000000,null.a,artifact,0,string,two\nlines
1700000000,null.a,artifact,0,id,a\x1b]0;title\x07
`
	if got := strings.ReplaceAll(out.String(), "[31m", ""); got != want {
		t.Errorf("%s", got)
	}
}
