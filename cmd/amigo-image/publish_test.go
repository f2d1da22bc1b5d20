package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// TestPublish runs the commands of publishers. Each script has keys, and the
// images of two builds in one/ and two/.
func TestPublish(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/publish",
		Setup: func(e *testscript.Env) error {
			passCoverage(e)
			for name, value := range map[string]string{
				"HOME": e.WorkDir, "XDG_CACHE_HOME": filepath.Join(e.WorkDir, "cache"), "XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"),
				"ESC":   "\x1b",
				"TODAY": time.Now().UTC().Format(time.DateOnly),
			} {
				e.Setenv(name, value)
			}
			for day, build := range map[int]string{20: "one", 19: "two"} {
				if err := smallImage(filepath.Join(e.WorkDir, build, "production"), build, day); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds:          map[string]func(ts *testscript.TestScript, neg bool, args []string){"status": status, "age": age},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// smallImage makes the directory of an image that holds a text and was built on
// that day of a month.
func smallImage(dir, text string, day int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	raw, disk := filepath.Join(dir, "raw"), filepath.Join(dir, "amigo-production.qcow2")
	if err := os.WriteFile(raw, append([]byte(text), make([]byte, 1<<20)...), 0o644); err != nil {
		return err
	}
	convert := command.Cmd{Name: "qemu-img", Args: []string{"convert", "-f", "raw", "-O", "qcow2", raw, disk}}
	if err := command.Run(context.Background(), convert); err != nil {
		return err
	}
	if err := os.Remove(raw); err != nil {
		return err
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		return err
	}
	_, err = manifest.Write(dir, manifest.Manifest{
		Name: "amigo-production", Variant: "production", Version: "2.5.17", Created: time.Date(2026, 11, day, 10, 0, 0, 0, time.UTC),
		Files: []manifest.File{{Name: filepath.Base(disk), Role: manifest.Disk, Format: "qcow2", Size: size, VirtualSize: 1 << 20, SHA256: digest}},
	}, []manifest.Package{{Name: "perl", Version: "5.36." + text, Architecture: "amd64"}})
	return err
}
