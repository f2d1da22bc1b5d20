package component

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestGeneratedData(t *testing.T) {
	for name, state := range map[string]any{
		"of this process": map[string]any{"ID": "7"},
		"of a plugin":     map[any]any{"ID": "7"},
	} {
		a := &packersdk.MockArtifact{StateValues: map[string]any{"generated_data": state}}
		if got := GeneratedData(a); !maps.Equal(got, map[string]any{"ID": "7"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := GeneratedData(&packersdk.MockArtifact{StateValues: map[string]any{}}); got == nil || len(got) > 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestUntil(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := Until(ctx, strings.NewReader("text"))
	if text, err := io.ReadAll(r); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	why := errors.New("Ctrl-C")
	cancel(why)
	if _, err := io.ReadAll(r); !errors.Is(err, why) {
		t.Errorf("stopped: %v", err)
	}
}
