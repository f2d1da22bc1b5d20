package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/repository/store"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

func TestClassify(t *testing.T) {
	failed := &boottest.FailedError{
		Failed: []boottest.Check{{Boot: "bios", Name: "GOlr answers", Detail: strings.Repeat("no answer ", 40)}},
		Total:  18, Evidence: "/out/evidence",
	}
	for _, c := range []struct {
		err       error
		code      int
		what, try string
	}{
		{&command.MissingError{Name: "bwrap", Package: "bubblewrap"}, fault.Host, "bwrap is not installed", "apt-get install bubblewrap"},
		{&accelerator.NoneError{}, fault.Host, "no accelerator", "doctor"},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, fault.Space, "write x: no space left on device", "the same command"},
		{context.Canceled, fault.Interrupted, "stopped", ""},
		{&guest.TimeoutError{Addr: "127.0.0.1:1", Last: errors.New("x")}, fault.Build, "", "ssh_timeout"},
		{&fetch.ChecksumError{Name: "solr.war"}, fault.Verify, "solr.war", ""},
		{&bootstrap.UnreachableError{Release: "bookworm", Err: errors.New("x")}, fault.Network, "the package archive", "apt-get update"},
		{&source.UnreachableError{Repository: "https://example.org/x.git", Err: errors.New("x")}, fault.Network, "the git repository", "git ls-remote https://example.org/x.git"},
		{&net.DNSError{Name: "example.org"}, fault.Network, "lookup example.org", "doctor"},
		{&outdir.NotOursError{Path: "/home"}, fault.Build, "the output directory /home", "another output directory"},
		{failed, fault.Test, "1 of 18 checks of the image failed", "/out/evidence"},
		{&fault.Error{What: "w", Code: fault.Locked}, fault.Locked, "w", ""},
		{errors.New("something"), fault.Build, "something", ""},
		{errors.New("first\nsecond"), fault.Build, "first", ""},
		{errors.New("doing this: " + strings.Repeat("and that ", 30)), fault.Build, "doing this", ""},
	} {
		all := classify(errors.Join(&pipeline.BuildError{Build: "b", Err: fmt.Errorf("%w", c.err)}))
		if len(all) != 1 {
			t.Fatalf("%v: %d faults", c.err, len(all))
		}
		f := all[0]
		if f.Code != c.code || !strings.HasPrefix(f.What, c.what) || !strings.Contains(f.Try, c.try) || len(f.What) > longest {
			t.Errorf("%v: %+v", c.err, f)
		}
	}
}

func TestClassifyTellsEveryBuild(t *testing.T) {
	one, two := &pipeline.BuildError{Build: "one", Err: errors.New("1")}, &pipeline.BuildError{Build: "two", Err: errors.New("2")}
	all := classify(errors.Join(errors.Join(one, two), errors.New("3")))
	if len(all) != 3 || all[1].Where != "build two" || all[2].Code != fault.Other {
		t.Errorf("%+v", all)
	}
}

func TestBucketFaults(t *testing.T) {
	obstacles := map[store.Obstacle]int{
		store.Incomplete: fault.Usage, store.NoCredentials: fault.Publish, store.Unreachable: fault.Network,
		store.Denied: fault.Publish, store.NoBucket: fault.NotFound,
	}
	for _, scheme := range []string{"s3", "gs", "azblob"} {
		for obstacle, code := range obstacles {
			if scheme == "gs" && obstacle == store.Incomplete {
				continue // its addresses are complete
			}
			err := fmt.Errorf("opening: %w", &store.AccessError{Scheme: scheme, Bucket: "images", Obstacle: obstacle, Err: errors.New("x\ny")})
			f := faultOf(err)
			characterizePublish(f, err)
			if f.Code != code || len(f.What) > longest || !strings.Contains(f.What, scheme+"://images") || f.Where != "x y" || f.Try == "" {
				t.Errorf("%s, %d: %+v", scheme, obstacle, f)
			}
		}
	}
}
