package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/builtin"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const exampleTemplate = `
variable "who" {
  default     = "world"
  description = "whom to greet"
}
variable "target" {}

source "file" "greeting" {
  content = "hello, ${var.who}"
  target  = var.target
}

build {
  sources = ["source.file.greeting"]
}
`

// printer prints the lines that are for people.
type printer struct{}

func (printer) Emit(e event.Event) {
	if e.Type == event.Message {
		fmt.Println(e.Build+":", filepath.Base(e.Text))
	}
}

// A template is parsed, made into a plan, and run.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(greet(dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// file.greeting: greeting.txt
	// file.greeting made File of 12 bytes
}

func greet(dir string) error {
	file, target := filepath.Join(dir, "greeting.pkr.hcl"), filepath.Join(dir, "greeting.txt")
	if err := os.WriteFile(file, []byte(exampleTemplate), 0o600); err != nil {
		return err
	}

	template, err := pipeline.Parse(file, pipeline.Input{Values: []string{"target=" + target}})
	if err != nil {
		return err
	}
	plan, err := template.Plan(context.Background(), builtin.Registry(), pipeline.Options{})
	if err != nil {
		return err
	}
	defer plan.Close()
	results, err := plan.Run(context.Background(), pipeline.RunOptions{Sink: printer{}})
	if err != nil {
		return err
	}
	for _, r := range results {
		fmt.Println(r.Build, "made", r.Artifacts[0].ID, "of", r.Artifacts[0].Files[0].Size, "bytes")
	}
	return nil
}

// A template can be looked at without values and without its components.
func ExampleTemplate_Builds() {
	text := func(string) ([]byte, error) { return []byte(exampleTemplate), nil }
	template, err := pipeline.Parse("-", pipeline.Input{Read: text, AllowUnset: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range template.Variables() {
		fmt.Printf("%s, required: %t\n", v.Name, v.Required)
	}
	builds, err := template.Builds(pipeline.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range builds {
		fmt.Println(b.Name, b.Components())
	}
	// Output:
	// target, required: true
	// who, required: false
	// file.greeting [source file (greeting)]
}
