package pipeline

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestTakeUp: after a post-processor has failed, the next run goes on with what the
// builder made, once, unless something that decides it is not what it was.
func TestTakeUp(t *testing.T) {
	const fails, works = `fails = true`, `fails = false`
	for name, c := range map[string]struct {
		first, second string // of the post-processor
		text          string // of the provisioner, the second time
		options       Options
		between       func() error
		takes         bool
	}{
		"failed":              {first: fails, second: works, text: "hello", takes: true},
		"failed twice":        {first: fails, second: fails, text: "hello", takes: true},
		"passed":              {first: works, second: `as = "other"`, text: "hello"},
		"another provisioner": {first: fails, second: works, text: "bye"},
		"forced":              {first: fails, second: works, text: "hello", options: Options{Force: true}},
		"disk is gone":        {first: fails, second: works, text: "hello", between: func() error { return os.Remove("out") }},
		"disk was changed": {first: fails, second: works, text: "hello", between: func() error {
			return os.Chtimes("out", time.Time{}, time.Now().Add(time.Hour))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			run := func(post, text string, options Options) (*trace, error) {
				tr := &trace{}
				_, err := planned(t, tr, `
source "keeper" "a" {
  output  = "out"
  content = "hello"
}
build {
  sources = ["keeper.a"]
  provisioner "note" { text = "`+text+`" }
  post-processor "tag" { `+post+` }
}`, options).Run(t.Context(), RunOptions{Sink: tr, Records: "records"})
				return tr, err
			}
			if _, err := run(c.first, "hello", Options{}); (err != nil) != (c.first == fails) {
				t.Fatal(err)
			}
			if c.between != nil {
				if err := c.between(); err != nil {
					t.Fatal(err)
				}
			}
			second, err := run(c.second, c.text, c.options)
			if (err != nil) != (c.second == fails) {
				t.Error(err)
			}
			told := second.String()
			if took := !strings.Contains(told, "provisioner"); took != c.takes || took != strings.Contains(told, "goes on with") {
				t.Errorf("taken up: %v\n%s", took, told)
			}
			if !strings.Contains(told, "post-processor") {
				t.Errorf("no post-processor ran\n%s", told)
			}
		})
	}
}
