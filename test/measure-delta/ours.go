package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// whole makes the qcow2 that everything is compared with.
func whole(ctx context.Context, p pair, t *table) error {
	start := time.Now()
	c := qemuimg.Conversion{Source: p.new, SourceFormat: "raw", Target: p.path("new.qcow2"), Compressed: true}
	if err := qemuimg.Convert(ctx, c, func(int64) {}); err != nil {
		return err
	}
	t.qcow2 = size(c.Target)
	t.row("whole qcow2 (zstd), made", t.qcow2, time.Since(start), 0)
	return nil
}

// cut cuts both disks.
func cut(ctx context.Context, p pair, t *table) error {
	if _, err := child(ctx, "cut", p.old, p.path("old")); err != nil {
		return err
	}
	did, err := child(ctx, "cut", p.new, p.path("new"))
	if err != nil {
		return err
	}
	t.row(".raw.zst, made", size(p.path("new.raw.zst")), did.Took, did.Memory)
	t.row(".chunks, its index", size(p.path("new.chunks")), 0, 0)
	return nil
}

// pulls fetches the new disk from a server, with and without the old one.
func pulls(ctx context.Context, p pair, t *table) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(p.dir)), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	url := "http://" + listener.Addr().String()
	for _, pull := range []struct {
		what string
		seed []string
	}{{"pull, all of it", nil}, {"pull, by delta", []string{p.old, p.path("old.chunks")}}} {
		target := p.path("pulled.raw")
		did, err := child(ctx, "pull", append([]string{url, p.path("new.chunks"), target}, pull.seed...)...)
		if err := errors.Join(err, os.Remove(target)); err != nil {
			return err
		}
		t.row(fmt.Sprintf("%s (%d requests)", pull.what, did.Requests), did.Moved, did.Took, did.Memory)
	}
	return nil
}

// done is what a part reports.
type done struct {
	Took     time.Duration
	Memory   int64 // most that it had, in bytes
	Moved    int64
	Requests int
}

// child runs a part in a process of its own, to see its memory.
func child(ctx context.Context, part string, args ...string) (did done, err error) {
	program, err := os.Executable()
	if err != nil {
		return did, err
	}
	out, err := command.Output(ctx, command.Cmd{Name: program, Args: append([]string{"-part", part}, args...)})
	if err != nil {
		return did, err
	}
	return did, json.Unmarshal(out, &did)
}

func runPart(ctx context.Context, part string, args []string) (err error) {
	start := time.Now()
	var did done
	if part == "cut" {
		err = cutPart(ctx, args[0], args[1])
	} else {
		did, err = pullPart(ctx, args[0], args[1], args[2], args[3:])
	}
	if err != nil {
		return err
	}
	did.Took = time.Since(start)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, most, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(most, &did.Memory); err != nil {
		return err
	}
	did.Memory <<= 10
	return json.NewEncoder(os.Stdout).Encode(did)
}

func cutPart(ctx context.Context, disk, name string) error {
	from, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.Create(name + ".raw.zst")
	if err != nil {
		return err
	}
	chunks, err := os.Create(name + ".chunks")
	if err != nil {
		return err
	}
	defer func() { _ = chunks.Close() }()
	_, err = chunk.Write(ctx, from, "disk.raw.zst", to, chunks, func(int64, int64) {})
	return errors.Join(err, to.Close())
}

func pullPart(ctx context.Context, url, index, target string, seed []string) (done, error) {
	x, err := chunk.Open(index)
	if err != nil {
		return done{}, err
	}
	var seeds []pull.Seed
	if len(seed) == 2 {
		old, err := chunk.Open(seed[1])
		if err != nil {
			return done{}, err
		}
		seeds = []pull.Seed{{Disk: seed[0], Index: old}}
	}
	from, err := origin.Open(url)
	if err != nil {
		return done{}, err
	}
	plan, err := pull.Make(x, seeds...)
	if err != nil {
		return done{}, err
	}
	result, err := pull.Assemble(ctx, plan, from, "new.raw.zst", target, event.Discard)
	return done{Moved: result.Fetched, Requests: result.Ranges}, err
}
