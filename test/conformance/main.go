// Conformance is the client that tuf-conformance tests: internal/repo/client/trust behind
// the command line of
// https://github.com/theupdateframework/tuf-conformance/blob/main/CLIENT-CLI.md.
// The script "run" beside it runs the suite.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
)

// subject is the client that is tested, and its arguments.
type subject struct {
	metadataDir, metadataURL string
	targetDir, targetURL     string
	targets                  []string
}

func main() {
	var s subject
	flag.StringVar(&s.metadataDir, "metadata-dir", "", "where trusted metadata goes")
	flag.StringVar(&s.metadataURL, "metadata-url", "", "the repository's metadata")
	flag.StringVar(&s.targetDir, "target-dir", "", "where files go")
	flag.StringVar(&s.targetURL, "target-base-url", "", "the repository's files")
	flag.Func("target-name", "a file to download", func(name string) error {
		s.targets = append(s.targets, name)
		return nil
	})
	flag.Parse()
	if err := s.run(context.Background(), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (s subject) run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "init":
		return s.init(args[1])
	case len(args) == 1 && args[0] == "refresh":
		_, err := s.refresh(ctx)
		return errors.Join(err, s.show())
	case len(args) == 1 && args[0] == "download":
		return errors.Join(s.download(ctx), s.show())
	default:
		return fmt.Errorf("one of init ROOT, refresh and download, not %q", args)
	}
}

// The client has a directory of its own inside the one that the suite looks at.
func (s subject) own(name ...string) string {
	return filepath.Join(append([]string{s.metadataDir, "client"}, name...)...)
}

func (s subject) init(root string) error {
	content, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(s.own(), 0o755),
		os.WriteFile(s.own("pin"), content, 0o644),
		os.WriteFile(filepath.Join(s.metadataDir, "root.json"), content, 0o644))
}

func (s subject) refresh(ctx context.Context) (*trust.View, error) {
	pin, err := os.ReadFile(s.own("pin"))
	if err != nil {
		return nil, err
	}
	now, err := fakeTime(ctx)
	if err != nil {
		return nil, err
	}
	client := trust.OpenAt(s.own(), &server{metadata: s.metadataURL, targets: s.targetURL}, pin)
	client.Now = func() time.Time { return now }
	return client.Refresh(ctx)
}

// fakeTime returns the time that the suite wants it to be. It tells by
// LD_PRELOAD, which Go programs do not see.
func fakeTime(ctx context.Context) (time.Time, error) {
	out, err := command.Output(ctx, command.Cmd{Name: "date", Args: []string{"+%s"}})
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Unix(seconds, 0), err
}

// show puts what the client trusts where the suite looks for it.
func (s subject) show() error {
	files, err := filepath.Glob(s.own("*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Base(file) != "seen.json" {
			err = errors.Join(err, copyFile(file, filepath.Join(s.metadataDir, filepath.Base(file))))
		}
	}
	return errors.Join(err, s.showRoot())
}

func (s subject) showRoot() error {
	for version := 1 << 10; version > 0; version-- {
		root := s.own("roots", strconv.Itoa(version)+".root.json")
		if _, err := os.Stat(root); err == nil {
			return copyFile(root, filepath.Join(s.metadataDir, "root.json"))
		}
	}
	return nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
