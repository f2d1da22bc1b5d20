package pipeline

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden runs each template of testdata and compares what happened with
// the file of the same name that ends in .golden. The template's first line
// may set options: "# only=GLOB except=GLOB var=NAME=VALUE force".
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pkr.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pkr.hcl")
		t.Run(name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", name+".golden"), transcript(t, file))
		})
	}
}

func transcript(t *testing.T, file string) string {
	t.Helper()
	in, options := directives(t, file)
	tr := &trace{}
	template, err := Parse(file, in)
	if err != nil {
		return told(t, err)
	}
	plan, err := template.Plan(context.Background(), tr.registry(), options)
	if err != nil {
		return told(t, err)
	}
	defer plan.Close()
	if w := plan.Warnings(); w != nil {
		tr.add("%s", told(t, w))
	}
	results, err := plan.Run(context.Background(), RunOptions{Sink: tr, Parallel: 1})
	for _, r := range results {
		for _, a := range r.Artifacts {
			tr.add("artifact of %s: %s", r.Build, a.ID)
		}
	}
	if err != nil {
		tr.add("error: %s", plan.Hide(err.Error()))
	}
	return tr.String()
}

func told(t *testing.T, err error) string {
	t.Helper()
	var wrong *TemplateError
	if !errors.As(err, &wrong) {
		t.Fatalf("%T is not a TemplateError: %v", err, err)
	}
	var text strings.Builder
	if err := wrong.Write(&text, 80, false); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func directives(t *testing.T, file string) (in Input, options Options) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	for _, word := range strings.Fields(strings.TrimPrefix(first, "#")) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "only":
			options.Only = append(options.Only, value)
		case "except":
			options.Except = append(options.Except, value)
		case "force":
			options.Force = true
		case "on-error":
			options.OnError = value
		case "var":
			in.Values = append(in.Values, value)
		}
	}
	return in, options
}

var volatile = regexp.MustCompile(`(?m)[ \t]+$`)

func compare(t *testing.T, golden, got string) {
	t.Helper()
	got = volatile.ReplaceAllString(got, "")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update rewrites it:\n%s", golden, diff)
	}
}
