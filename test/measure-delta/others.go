package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

var wouldFetch = regexp.MustCompile(`(?i)would download (\d+) of (\d+) bytes`)

// zchunk asks zchunk how much it would fetch.
func zchunk(ctx context.Context, p pair, t *table) error {
	var took time.Duration
	for _, disk := range []string{p.old, p.new} {
		start := time.Now()
		if err := tool(ctx, "zck", "-o", disk+".zck", disk); err != nil {
			return err
		}
		took = time.Since(start)
	}
	out, err := command.Output(ctx, command.Cmd{Name: "zck_delta_size", Args: []string{p.old + ".zck", p.new + ".zck"}})
	if err != nil {
		return err
	}
	found := wouldFetch.FindSubmatch(out)
	if found == nil {
		return fmt.Errorf("zck_delta_size says %q", out)
	}
	moved, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return err
	}
	t.row("zchunk, made", size(p.new+".zck"), took, 0)
	t.row("zchunk, by delta", moved, 0, 0)
	return nil
}

// casync puts both disks in one store and looks what the second adds.
func casync(ctx context.Context, p pair, t *table) error {
	store := p.path("store.castr")
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	var before, after int64
	var took time.Duration
	for _, disk := range []string{p.old, p.new} {
		before = after
		start := time.Now()
		if err := tool(ctx, "casync", "make", "--store="+store, disk+".caibx", disk); err != nil {
			return err
		}
		took = time.Since(start)
		var err error
		if after, err = inside(store); err != nil {
			return err
		}
	}
	t.row("casync, second disk added", 0, took, 0)
	t.row("casync, by delta: chunks and index", after-before+size(p.new+".caibx"), 0, 0)
	return nil
}

// inside returns how many bytes the files below dir have.
func inside(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			sum += size(path)
		}
		return err
	})
	return sum, err
}
