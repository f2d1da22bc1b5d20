package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// write makes a template of one file in a new directory and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.pkr.hcl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func planned(t *testing.T, tr *trace, text string, options Options) *Plan {
	t.Helper()
	template, err := Parse(write(t, text), Input{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	plan, err := template.Plan(t.Context(), tr.registry(), options)
	if err != nil {
		t.Fatal(told(t, err))
	}
	t.Cleanup(plan.Close)
	return plan
}

func TestCancelEndsEveryBuild(t *testing.T) {
	tr := &trace{}
	plan := planned(t, tr, `
source "null" "a" { waits = true }
source "null" "b" {}
build {
  sources = ["null.a", "null.b"]
  provisioner "note" {
    text        = "long"
    sleep       = "1h"
    max_retries = 5
  }
  post-processor "tag" { as = "never" }
}`, Options{})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the user said so")
		go func() {
			time.Sleep(time.Minute)
			cancel(cause)
		}()
		_, err := plan.Run(ctx, RunOptions{Sink: tr})
		if !errors.Is(err, cause) || strings.Count(err.Error(), cause.Error()) != 2 {
			t.Errorf("the error of two cancelled builds is %v", err)
		}
	})
	if got := tr.String(); strings.Contains(got, "never") || strings.Contains(got, "attempt 2") {
		t.Errorf("a cancelled build went on:\n%s", got)
	}
}

func TestParallelLimitsBuilds(t *testing.T) {
	for limit, want := range map[int]time.Duration{0: time.Minute, 1: 4 * time.Minute, 3: 2 * time.Minute} {
		tr := &trace{}
		plan := planned(t, tr, `
source "null" "a" {}
build {
  name    = "x"
  sources = ["null.a", "null.a", "null.a", "null.a"]
  provisioner "note" { sleep = "1m" }
}`, Options{})
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			if _, err := plan.Run(t.Context(), RunOptions{Sink: &trace{}, Parallel: limit}); err != nil {
				t.Error(err)
			}
			if got := time.Since(start); got != want {
				t.Errorf("four builds of a minute, %d at a time, took %v", limit, got)
			}
		})
	}
}

func TestRecordIsForWhatIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `
source "null" "a" {
  output  = "out"
  content = "hello"
}
build {
  sources = ["null.a"]
  provisioner "note" { text = "x ${build.ID}" }
}`
	run := func(text string) (string, Result) {
		t.Helper()
		tr := &trace{}
		results, err := planned(t, tr, text, Options{}).Run(t.Context(), RunOptions{Sink: tr, Records: "records", Engine: "1"})
		if err != nil {
			t.Fatal(err)
		}
		return tr.String(), results[0]
	}
	steps := []struct {
		name   string
		change func() error
		text   string
		again  bool
	}{
		{"first", nil, text, true},
		{"same, long after", ageRecords, text, false},
		{"touched", func() error { return os.Chtimes("out", time.Unix(1, 0), time.Unix(1, 0)) }, text, false},
		{"replaced", func() error { return os.WriteFile("out", []byte("other"), 0o644) }, text, true},
		{"removed", func() error { return os.Remove("out") }, text, true},
		{"broken record", breakRecords, text, true},
		{"other text", nil, strings.Replace(text, "x $", "y $", 1), true},
	}
	for _, s := range steps {
		if s.change != nil {
			if err := s.change(); err != nil {
				t.Fatal(err)
			}
		}
		what, r := run(s.text)
		if built := strings.Contains(what, "builder"); built != s.again || r.Unchanged == s.again {
			t.Errorf("%s: built %v, unchanged %v:\n%s", s.name, built, r.Unchanged, what)
		}
		if len(r.Artifacts) != 1 || len(r.Artifacts[0].Files) != 1 || len(r.Artifacts[0].Files[0].SHA256) != 64 {
			t.Errorf("%s: artifacts %+v", s.name, r.Artifacts)
		}
		if old := oldRecords(t); len(old) > 0 {
			t.Errorf("%s: not marked as used: %q", s.name, old)
		}
	}
}

// A component that cannot foresee what it makes of its configuration says "".
func TestWhatCannotBeForeseenIsAlwaysBuilt(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `
source "null" "a" { output = "out" }
build {
  sources = ["null.a"]
  provisioner "note" { text = "unforeseeable" }
}`
	for range 2 {
		tr := &trace{}
		results, err := planned(t, tr, text, Options{}).Run(t.Context(), RunOptions{Sink: tr, Records: "records", Engine: "1"})
		if err != nil || results[0].Unchanged || !strings.Contains(tr.String(), "builder") {
			t.Errorf("%v:\n%s", err, tr)
		}
	}
	if records, err := os.ReadDir("records"); err == nil {
		t.Errorf("it is remembered: %v", records)
	}
}

func ageRecords() error {
	files, err := filepath.Glob("records/*.json")
	for _, f := range files {
		err = errors.Join(err, os.Chtimes(f, time.Unix(1, 0), time.Unix(1, 0)))
	}
	return err
}

// oldRecords returns the records that were not used for long.
func oldRecords(t *testing.T) (old []string) {
	t.Helper()
	files, err := filepath.Glob("records/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.ModTime().Equal(time.Unix(1, 0)) {
			old = append(old, f)
		}
	}
	return old
}

func breakRecords() error {
	files, err := filepath.Glob("records/*.json")
	for _, f := range files {
		err = errors.Join(err, os.WriteFile(f, []byte("{"), 0o644))
	}
	return err
}

func TestMask(t *testing.T) {
	m := &mask{}
	m.add(cty.ObjectVal(map[string]cty.Value{
		"list": cty.ListVal([]cty.Value{cty.StringVal("abc"), cty.StringVal("abcdef"), cty.StringVal("")}),
		"key":  cty.StringVal("line one\nline two\n"),
		"n":    cty.NumberIntVal(7),
	}))
	for text, want := range map[string]string{
		"abcdef":        masked,
		"x abc y":       "x " + masked + " y",
		"only line two": "only " + masked,
		"7 ":            "7 ",
	} {
		if got := m.hide(text); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
	var none *mask
	if none.hide("x") != "x" {
		t.Error("no mask hides something")
	}
}

func TestDirectoriesAndTheirFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.pkr.hcl":            `build { sources = ["null.a"] }`,
		"a.pkr.json":           `{"source": {"null": {"a": {"content": "${var.x}"}}}, "variable": {"x": {}}}`,
		"x.auto.pkrvars.hcl":   `x = "from a file"`,
		"no-template.hcl":      `{{{`,
		"sub/other.pkr.hcl":    `nonsense`,
		"y.auto.pkrvars.json~": `nonsense`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	template, err := Parse(dir, Input{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	tr := &trace{}
	plan, err := template.Plan(t.Context(), tr.registry(), Options{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	if _, err := plan.Run(t.Context(), RunOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(tr.String(), `content="from a file"`) {
		t.Error(tr)
	}
}

// FuzzParse looks for templates that break the parser. Whatever is in a file,
// the answer is a template or a list of faults.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pkr.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "t.pkr.hcl")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		template, err := Parse(path, Input{})
		if err != nil {
			_ = told(t, err)
			return
		}
		tr := &trace{}
		plan, err := template.Plan(t.Context(), tr.registry(), Options{})
		if err != nil {
			_ = told(t, err)
			return
		}
		plan.Close()
	})
}
