package pipeline

import (
	"os"
	"testing"
)

// TestForesee: what has to be built is known before, and nothing is built to know it.
func TestForesee(t *testing.T) {
	t.Chdir(t.TempDir())
	tr := &trace{}
	plan := planned(t, tr, `
source "null" "a" {
  output  = "out"
  content = "hello"
}
source "null" "b" {}
build { sources = ["null.a"] }
build {
  sources = ["null.b"]
  provisioner "note" { text = "unforeseeable" }
}`, Options{})
	o := RunOptions{Records: "records"}
	first, err := plan.Foresee(t.Context(), o)
	if err != nil || len(first) != 2 || first[0].Unchanged || len(first[0].Digest) != 64 || first[0].Why != "the first time here" {
		t.Fatalf("%+v, %v", first, err)
	}
	if first[1].Digest != "" || first[1].Unchanged || first[1].Why == "" {
		t.Errorf("%+v", first[1])
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("it was built")
	}
	if _, err := plan.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	then, err := plan.Foresee(t.Context(), o)
	if err != nil || !then[0].Unchanged || then[0].Digest != first[0].Digest || then[0].Why != "" {
		t.Errorf("%+v, %v", then, err)
	}
}

// TestIncompleteBuildIsNotRemembered: what a provisioner that may fail did not do is tried
// again.
func TestIncompleteBuildIsNotRemembered(t *testing.T) {
	t.Chdir(t.TempDir())
	tr := &trace{}
	plan := planned(t, tr, `
source "null" "a" {
  output  = "out"
  content = "hello"
}
build {
  sources = ["null.a"]
  provisioner "note" {
    text              = "may fail"
    failures          = 9
    continue_on_error = true
  }
}`, Options{})
	o := RunOptions{Records: "records"}
	if _, err := plan.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if again, err := plan.Foresee(t.Context(), o); err != nil || again[0].Unchanged {
		t.Errorf("%+v, %v", again, err)
	}
}
