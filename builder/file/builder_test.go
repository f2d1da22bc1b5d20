package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
)

func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("source", []byte("from a file"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config  map[string]any
		content string
		warns   bool
	}{
		"content": {map[string]any{"content": "text"}, "text", false},
		"source":  {map[string]any{"source": "source"}, "from a file", false},
		"neither": {map[string]any{}, "", true},
	} {
		target := filepath.Join("new", name)
		c.config["target"] = target
		b := new(Builder)
		if _, warnings, err := b.Prepare(c.config); err != nil || len(warnings) > 0 != c.warns {
			t.Fatal(name, warnings, err)
		}
		made, err := b.Run(t.Context(), packersdk.TestUi(t), nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if text, err := os.ReadFile(target); err != nil || string(text) != c.content {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if made.BuilderId() != "packer.file" || made.Id() != "File" || !slices.Equal(made.Files(), []string{target}) {
			t.Errorf("%s: the artifact is %+v", name, made)
		}
		if err := made.Destroy(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: it is still there: %v", name, err)
		}
	}
}

// TestFailedRunLeavesWhatIsThere: a file is made whole or not at all.
func TestFailedRunLeavesWhatIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.WriteFile("source", []byte("new"), 0o644), os.WriteFile("target", []byte("old"), 0o644), os.Link("target", "link")); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		ctx           context.Context //nolint:containedctx // of one case
		source, fault string
	}{
		"stopped":     {stopped, "source", "canceled"},
		"no source":   {t.Context(), "none", "source: open none"},
		"a directory": {t.Context(), ".", "is a directory"},
		"itself":      {t.Context(), "link", "target: target is the source"},
	} {
		b := new(Builder)
		if _, _, err := b.Prepare(map[string]any{"source": c.source, "target": "target"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Run(c.ctx, packersdk.TestUi(t), nil); err == nil || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if text, err := os.ReadFile("target"); err != nil || string(text) != "old" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 3 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestProvisionersHaveNoGuest: they run, and what needs a guest fails.
func TestProvisionersHaveNoGuest(t *testing.T) {
	t.Chdir(t.TempDir())
	b := new(Builder)
	if _, _, err := b.Prepare(map[string]any{"content": "x", "target": "x"}); err != nil {
		t.Fatal(err)
	}
	hook := &packersdk.MockHook{RunFunc: func(context.Context) error { return nil }}
	if _, err := b.Run(t.Context(), packersdk.TestUi(t), hook); err != nil {
		t.Fatal(err)
	}
	if hook.RunName != packersdk.HookProvision || component.HasGuest(hook.RunData.(map[string]any)) {
		t.Errorf("ran %s with %v", hook.RunName, hook.RunData)
	}
	comm := hook.RunComm
	for _, err := range []error{
		comm.Start(t.Context(), &packersdk.RemoteCmd{}), comm.Upload("x", nil, nil), comm.UploadDir("x", "y", nil),
		comm.Download("x", nil), comm.DownloadDir("x", "y", nil),
	} {
		if !errors.Is(err, errNoGuest) {
			t.Errorf("got %v", err)
		}
	}
}

func TestPrepareTellsEveryFault(t *testing.T) {
	_, _, err := new(Builder).Prepare(map[string]any{"source": "x", "content": "y"})
	if err == nil || !strings.Contains(err.Error(), "target: it is missing") || !strings.Contains(err.Error(), "source, content: give only one") {
		t.Errorf("got %v", err)
	}
}
