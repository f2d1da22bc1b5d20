package builtin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

const failing = `
source "null" "a" {
  communicator = "none"
}

build {
  sources = ["null.a"]
  provisioner "shell-local" {
    inline = ["exit 1"]
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["touch cleaned"]
  }
  post-processor "shell-local" {
    inline = ["touch processed"]
  }
}
`

// TestOnError: what a failed build does for each value of -on-error. Where nobody can be
// asked, "ask" cleans up.
func TestOnError(t *testing.T) {
	for value, cleans := range map[string]bool{
		"": true, "cleanup": true, "run-cleanup-provisioner": true, "ask": true, "abort": false,
	} {
		t.Run(value, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("t.pkr.hcl", []byte(failing), 0o600); err != nil {
				t.Fatal(err)
			}
			template, err := pipeline.Parse("t.pkr.hcl", pipeline.Input{})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := template.Plan(t.Context(), Registry(), pipeline.Options{OnError: value})
			if err != nil {
				t.Fatal(err)
			}
			defer plan.Close()
			if _, err := plan.Run(t.Context(), pipeline.RunOptions{}); err == nil {
				t.Error("the build did not fail")
			}
			left, _ := filepath.Glob("*ed")
			if cleaned := len(left) == 1 && left[0] == "cleaned"; cleaned != cleans || len(left) > 1 {
				t.Errorf("there is %q", left)
			}
		})
	}
}
