package golr

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

//go:embed solr.sh
var script string

// run makes the entry dir: below out, what the script found, and the index
// unless it was given.
func run(ctx context.Context, shop workshop.Workshop, d data, webapp WebApp, conf, dir string, out io.Writer) error {
	input := filepath.Join(dir, "in")
	result := filepath.Join(dir, "out")
	if err := errors.Join(os.Mkdir(input, 0o755), os.Mkdir(result, 0o755)); err != nil {
		return fmt.Errorf("preparing GOlr: %w", err)
	}
	for i, file := range d.documents {
		if err := place(file, filepath.Join(input, fmt.Sprintf("%03d-%s", i, filepath.Base(file)))); err != nil {
			return fmt.Errorf("preparing GOlr: %w", err)
		}
	}
	dirs := []workshop.Dir{
		{At: "/mnt/webapp", Host: webapp.Dir},
		{At: "/mnt/conf", Host: conf},
		{At: "/mnt/in", Host: input},
		{At: "/mnt/out", Host: result, Out: true},
	}
	if webapp.Jetty != "" {
		dirs = append(dirs, workshop.Dir{At: JettyHome, Host: webapp.Jetty})
	}
	given := "documents"
	if d.index != "" {
		given = "index"
		dirs = append(dirs, workshop.Dir{At: "/mnt/index", Host: d.index})
	}
	env := []string{"LC_ALL=C.UTF-8", "GIVEN=" + given}
	err := shop.Run(ctx, workshop.Task{Name: "golr", Script: script, Dirs: dirs, Env: env, Output: out})
	var failed *workshop.Error
	if err = workshop.Because(err); errors.As(err, &failed) {
		return field.Wrap("GOlr", err)
	}
	return errors.Join(err, os.RemoveAll(input))
}

// place puts a file where a task sees it, without a copy where that is
// possible.
func place(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := regular.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
