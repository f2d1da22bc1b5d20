package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// classify returns what a person is to be told of err: one fault for each
// build that failed, else one.
func classify(err error) []*fault.Error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []*fault.Error{faultOf(err)}
	}
	var all []*fault.Error
	for _, one := range list.Unwrap() {
		all = append(all, classify(one)...)
	}
	return all
}

// faultOf finds the fault in err's chain, or makes one.
func faultOf(err error) *fault.Error {
	var build *pipeline.BuildError
	inBuild := errors.As(err, &build)
	var known *fault.Error
	if errors.As(err, &known) {
		f := *known
		if f.Code == 0 {
			f.Code = fault.Other
		}
		return &f
	}
	f := &fault.Error{What: err.Error(), Err: err, Code: fault.Other}
	if inBuild {
		f.What, f.Where, f.Code = build.Err.Error(), "build "+build.Build, fault.Build
	}
	characterize(f, err)
	f.What, f.Where = firstLine(f.What, f.Where)
	return f
}

// characterize gives f the status and the cure of a kind of error.
func characterize(f *fault.Error, err error) {
	var missing *command.MissingError
	var silent *guest.TimeoutError
	var none *accelerator.NoneError
	var dns *net.DNSError
	var archive *bootstrap.UnreachableError
	var checksum *fetch.ChecksumError
	var test *boottest.FailedError
	switch {
	case errors.Is(err, context.Canceled):
		f.What, f.Code = "stopped", fault.Interrupted
	case errors.As(err, &missing):
		f.What, f.Code = missing.Name+" is not installed", fault.Host
		f.Try = "apt-get install " + missing.Package
	case errors.As(err, &none):
		f.Code, f.Try = fault.Host, "amigo-image doctor"
	case errors.Is(err, syscall.ENOSPC):
		f.Code, f.Try = fault.Space, "free some space, then run the same command again"
	case errors.As(err, &silent):
		f.Try = "-debug, or a longer ssh_timeout"
	case errors.As(err, &checksum):
		f.Code = fault.Verify
	case errors.As(err, &test):
		f.Code = fault.Test
	case errors.As(err, &archive):
		f.Code, f.Try = fault.Network, "apt-get update"
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		f.Code, f.Try = fault.Network, "amigo-image doctor"
	case errors.Is(err, fs.ErrPermission):
		f.Try = "the same command as root, or another directory"
	}
}

// firstLine keeps one line as the fact; the others say where.
func firstLine(what, where string) (string, string) {
	first, rest, more := strings.Cut(strings.TrimSpace(what), "\n")
	if !more {
		return first, where
	}
	return first, strings.TrimSpace(where + "\n" + rest)
}
