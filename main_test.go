package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/amigo"
)

// TestLogIsDiscreet: Packer keeps the log of a plugin, and libraries log addresses.
func TestLogIsDiscreet(t *testing.T) {
	var kept bytes.Buffer
	log.New(discreet{&kept}, "", 0).Print("trying https://bob:s3cret@h/disk?sig=s3cret")
	if got, want := kept.String(), "trying https://h/disk?sig=…\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRegister: the components have the names that templates use, without the plugin's.
func TestRegister(t *testing.T) {
	set := plugin.NewSet()
	if err := register(set, amigo.Registry()); err != nil {
		t.Fatal(err)
	}
	got := [][]string{
		slices.Sorted(maps.Keys(set.Builders)), slices.Sorted(maps.Keys(set.Provisioners)), slices.Sorted(maps.Keys(set.PostProcessors)),
	}
	want := [][]string{{"qemu"}, {plugin.DEFAULT_NAME}, {"data", "distribution", "production", "publish"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRegisterFails: a component that cannot be made is an error, whatever its kind.
func TestRegisterFails(t *testing.T) {
	broken := errors.New("broken")
	for name, components := range map[string]pipeline.Registry{
		"builder": {Builders: map[string]pipeline.Factory[packersdk.Builder]{
			"x": func(context.Context) (packersdk.Builder, error) { return nil, broken },
		}},
		"provisioner": {Provisioners: map[string]pipeline.Factory[packersdk.Provisioner]{
			"x": func(context.Context) (packersdk.Provisioner, error) { return nil, broken },
		}},
		"post-processor": {PostProcessors: map[string]pipeline.Factory[packersdk.PostProcessor]{
			"x": func(context.Context) (packersdk.PostProcessor, error) { return nil, broken },
		}},
	} {
		if err := register(plugin.NewSet(), components); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
