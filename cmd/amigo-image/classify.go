package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/qemuimg"
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
	var step *pipeline.StepError
	if errors.As(err, &step) {
		f.What = step.Err.Error()
		f.Where += ", " + step.Step
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
	var foreign *outdir.NotOursError
	var git *source.UnreachableError
	switch {
	case errors.Is(err, context.Canceled):
		f.What, f.Code = "stopped", fault.Interrupted
	case characterizeImages(f, err):
	case errors.As(err, &missing):
		f.What, f.Code = missing.Name+" is not installed", fault.Host
		f.Try = "apt-get install " + missing.Package
	case errors.As(err, &none):
		f.Code, f.Try = fault.Host, "amigo-image doctor"
	case errors.Is(err, syscall.ENOSPC):
		f.Code, f.Try = fault.Space, fault.Again("when there is some space")
	case errors.As(err, &silent):
		f.Try = "-debug, or a longer ssh_timeout"
	case errors.As(err, new(*qemuimg.RefusedError)):
		f.Code = fault.Verify
	case errors.As(err, &checksum):
		f.Code = fault.Verify
	case errors.As(err, &test):
		tested(f, test)
	case errors.As(err, &foreign):
		f.Try = "another output directory, or move that one away"
	case errors.As(err, &git):
		f.Code, f.Try = fault.Network, "git ls-remote "+git.Repository
	case errors.As(err, &archive):
		f.Code, f.Try = fault.Network, "apt-get update"
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		f.Code, f.Try = fault.Network, "amigo-image doctor"
	case errors.Is(err, fs.ErrPermission):
		f.Try = fault.Again("as root, or with another directory")
	}
}

// longest is how much one fact may say, in characters.
const longest = 100

// firstLine keeps one short line as the fact; the rest says where.
func firstLine(what, where string) (string, string) {
	first, rest, _ := strings.Cut(strings.TrimSpace(what), "\n")
	if end := breakAt(first); end > 0 {
		first, rest = first[:end], strings.TrimLeft(first[end:], ":; ")+"\n"+rest
	}
	return first, strings.TrimSpace(where + "\n" + rest)
}

// breakAt returns where a text that is too long is best broken, or 0.
func breakAt(text string) int {
	if len(text) <= longest {
		return 0
	}
	for _, separator := range []string{"; ", ": "} {
		if end := strings.Index(text[:longest], separator); end > 0 {
			return end
		}
	}
	return 0
}

// tested tells what an image's test found.
func tested(f *fault.Error, test *boottest.FailedError) {
	f.Code = fault.Test
	f.What = fmt.Sprintf("%d of %d checks of the image failed", len(test.Failed), test.Total)
	for _, check := range test.Failed {
		f.Where += fmt.Sprintf("\n%s: %s: %s", check.Boot, check.Name, short(check.Detail, longest))
	}
	f.Where = strings.TrimSpace(f.Where)
	f.Try = "look at the console, the screen and the report in " + relative(test.Evidence)
}
