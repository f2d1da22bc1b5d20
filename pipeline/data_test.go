package pipeline

import (
	"strings"
	"testing"
)

const dataDecides = `
data "echo" "x" { text = "a" }
data "echo" "y" { text = "after ${data.echo.x.text}" }
locals { sources = [for s in data.echo.x.list : "null.${s}"] }
source "null" "a" { content = data.echo.y.text }
build {
  name    = data.echo.x.text
  sources = distinct(local.sources)
  provisioner "note" {
    name        = data.echo.x.text
    max_retries = length(data.echo.x.list)
    text        = join(",", data.echo.x.list)
    list        = data.echo.x.list
  }
}`

// TestDataDecidesWhatIsBuilt: what data sources give is used everywhere.
func TestDataDecidesWhatIsBuilt(t *testing.T) {
	tr := &trace{}
	plan := planned(t, tr, dataDecides, Options{})
	if _, err := plan.Run(t.Context(), RunOptions{Sink: tr}); err != nil {
		t.Fatal(err)
	}
	if got := tr.String(); !strings.HasPrefix(got, "data \"a\"\ndata \"after a\"\nbuilder null.a content=\"after a\"") || plan.Builds[0].Name != "a.null.a" {
		t.Errorf("%s\n%s", plan.Builds[0].Name, got)
	}
}

// TestSkippedData: a template can be checked without its data sources, and not be run.
func TestSkippedData(t *testing.T) {
	tr := &trace{}
	plan := planned(t, tr, dataDecides+`
build {
  sources = ["null.a"]
  provisioner "note" {
    text = "to ${data.echo.y.text}"
    list = data.echo.y.list
  }
}`, Options{SkipData: true})
	if len(plan.Builds) != 1 || tr.String() != "\n" {
		t.Errorf("%d builds, %s", len(plan.Builds), tr)
	}
	if _, err := plan.Run(t.Context(), RunOptions{Sink: tr}); err == nil || !strings.Contains(err.Error(), "data sources") {
		t.Errorf("%v", err)
	}
	wrong := faultOf(t, write(t, `
data "echo" "x" {
  invalid = "it is not nice"
  txt     = "a"
}
data "echo" "y" { invalid = "it is not nice" }
source "null" "a" {}
build { sources = ["null.a"] }`), Input{})
	for _, want := range []string{"Unsupported argument", "it is not nice"} {
		if text := told(t, wrong); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestFilesOfVariablesReferToNoData: what they hold says nothing of data sources.
func TestFilesOfVariablesReferToNoData(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/t.pkr.hcl", `
variable "x" {}
data "echo" "a" { text = "a" }
source "null" "a" {}
build { sources = ["null.a"] }`)
	writeFile(t, dir+"/x.auto.pkrvars.json", `{"x": "1"}`)
	tr := &trace{}
	template, err := Parse(dir, Input{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	plan, err := template.Plan(t.Context(), tr.registry(), Options{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	plan.Close()
	if got := tr.String(); strings.Contains(got, "data ") {
		t.Error(got)
	}
}

// TestEverythingMayReferToData: where it can't be told what a template refers to, all
// data sources are executed.
func TestEverythingMayReferToData(t *testing.T) {
	for text, executed := range map[string]int{
		`locals { x = 1 }`:                                0,
		`locals { x = data.echo.a.text }`:                 1,
		`locals { x = data.echo["a"].text }`:              1,
		`locals { x = data }`:                             2,
		`locals { x = [for d in data.echo : d.text] }`:    2,
		`locals { x = "${upper(data.echo.b.text)} and" }`: 1,
	} {
		tr := &trace{}
		planned(t, tr, text+`
data "echo" "a" { text = "a" }
data "echo" "b" { text = "b" }
source "null" "a" {}
build { sources = ["null.a"] }`, Options{})
		if got := strings.Count(tr.String(), "data "); got != executed {
			t.Errorf("%s: %d executed", text, got)
		}
	}
}
