//go:build vm

// Package test holds the tests of the whole: examples/amigo is built with
// amigo-image, as "make image" does it, and what comes out is used as people
// use it.
package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Where things are, from this directory. "make test" makes the first.
const (
	program  = "../bin/amigo-image"
	template = "../examples/amigo"
	output   = "../build/test"
	pictures = "../build/pictures"
)

func TestMain(m *testing.M) {
	if err := build(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "building examples/amigo:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// build builds the example. What a cache or an earlier run has is used: it is
// what the next person finds, and a machine without it makes everything.
func build(ctx context.Context, out io.Writer) error {
	return command.Run(ctx, command.Cmd{Name: program, Stdout: out, Stderr: out, Args: []string{
		"build", "-var", "output=" + output, template,
	}})
}

func disk(variant string) string {
	return filepath.Join(output, variant, "amigo-"+variant+".qcow2")
}

func readManifest(t *testing.T, variant string) manifest.Manifest {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(output, variant, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest.Manifest
	if err := json.Unmarshal(content, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestChecksumsAreRight(t *testing.T) {
	for _, variant := range []string{"distribution", "production"} {
		err := command.Run(t.Context(), command.Cmd{
			Name: "sha256sum", Args: []string{"--check", "--strict", "--quiet", "SHA256SUMS"},
			Dir: filepath.Join(output, variant),
		})
		if err != nil {
			t.Errorf("%s: %v", variant, err)
		}
	}
}

func TestProductionIsMadeFromTheDistribution(t *testing.T) {
	distribution, production := readManifest(t, "distribution"), readManifest(t, "production")
	if production.Parent == nil {
		t.Fatal("the production variant names no parent")
	}
	if got, want := production.Parent.SHA256, imageDigest(t, distribution); got != want {
		t.Errorf("the production variant is made from %s, not from %s", got, want)
	}
}

func TestNothingOfTheBuildIsLeftBeside(t *testing.T) {
	entries, err := os.ReadDir(output)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "distribution" && name != "production" {
			t.Errorf("there is %s", name)
		}
	}
}

func TestSecondBuildChangesNothing(t *testing.T) {
	before, err := os.Stat(disk("production"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := build(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "nothing changed") || strings.Contains(out.String(), "\nboot ") {
		t.Errorf("the second build did something:\n%s", &out)
	}
	after, err := os.Stat(disk("production"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || before.ModTime() != after.ModTime() {
		t.Error("the image is another one")
	}
}

func imageDigest(t *testing.T, m manifest.Manifest) string {
	t.Helper()
	file, err := m.Disk()
	if err != nil {
		t.Fatal(err)
	}
	return file.SHA256
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// run returns what a program says, and then what it says of errors: mixed, one
// could be in the middle of a line of the other.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	err := command.Run(t.Context(), command.Cmd{Name: name, Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &errs)
	}
	return out.String() + errs.String()
}
