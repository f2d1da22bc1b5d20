// Measure-delta measures how an update of an image travels: what has to be
// fetched, how long that takes and how much memory, against the whole qcow2
// and against zchunk and casync. Its output is a table in Markdown.
//
//	go run ./test/measure-delta [-work DIR] [-others=false] OLD.qcow2 [NEW.qcow2]
//
// Without NEW it makes two nightly builds of OLD: its file tree, and the same
// with 60 MB of changed files, each in a new file system. That needs root,
// e2fsprogs and fdisk; the rest qemu-utils, zchunk and casync.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	work := flag.String("work", "", "directory for intermediate files, which stay there (default: a new one, which goes)")
	others := flag.Bool("others", true, "measure zchunk and casync too")
	part := flag.String("part", "", "for internal use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, *part, *work, *others, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, part, work string, others bool, args []string) error {
	if part != "" {
		return runPart(ctx, part, args)
	}
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: measure-delta [-work DIR] [-others=false] OLD.qcow2 [NEW.qcow2]")
	}
	if work == "" {
		var err error
		if work, err = os.MkdirTemp("", "measure-delta-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(work) }()
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	return measure(ctx, pair{dir: work, old: filepath.Join(work, "old.raw"), new: filepath.Join(work, "new.raw")}, others, args)
}

// pair is the two disks that are compared.
type pair struct{ dir, old, new string }

func (p pair) path(name string) string { return filepath.Join(p.dir, name) }

func measure(ctx context.Context, p pair, others bool, images []string) error {
	if err := p.prepare(ctx, images); err != nil {
		return err
	}
	fmt.Println("| what | bytes moved | of the qcow2 | time | memory |")
	fmt.Println("|---|---|---|---|---|")
	steps := []func(context.Context, pair, *table) error{whole, cut, pulls}
	if others {
		steps = append(steps, zchunk, casync)
	}
	for _, step := range steps {
		if err := step(ctx, p, &rows); err != nil {
			return err
		}
	}
	return nil
}
