package qemuimg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// RefusedError tells that a file is not opened as a disk image: QEMU would open
// other files of this host with it, or guess at its format.
type RefusedError struct {
	Path string
	Why  string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s %s; get the image from its maker as one whole file", e.Path, e.Why)
}

// Fault implements [fault.Reporter].
func (e *RefusedError) Fault() fault.Report {
	return fault.Report{
		What: e.Path + " " + e.Why, Code: fault.Verify, Try: fault.To(fault.Advise, "get the image from its maker as one whole file"),
	}
}

// patience is how long qemu-img may look at what it was not made for.
const patience = time.Minute

// Inspect looks at a disk image of unknown origin before anything opens it, and
// returns what it is. format is "qcow2", "raw", or "" for whichever of the two
// its first bytes say. Only an image that is whole by itself passes: a regular
// file without a backing file, an external data file, encryption or internal
// snapshots. All else is a [*RefusedError].
//
// The header is read here first, since qemu-img itself opens what a header
// names (CVE-2024-4467).
func Inspect(ctx context.Context, path, format string) (Image, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Image{}, fmt.Errorf("inspecting %s: %w", path, err)
	}
	if format, err = check(path, format); err != nil {
		return Image{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	image, err := info(ctx, path, format)
	if err != nil {
		return image, err
	}
	switch {
	case image.Format != format:
		return image, &RefusedError{Path: path, Why: "is in the format " + image.Format}
	case image.BackingFile != "" || image.FullBackingFile != "":
		return image, &RefusedError{Path: path, Why: fmt.Sprintf("has the backing file %q", image.BackingFile)}
	case image.Specific.Data.DataFile != "":
		return image, &RefusedError{Path: path, Why: fmt.Sprintf("has its data in the file %q", image.Specific.Data.DataFile)}
	}
	return image, nil
}

// check reads the beginning of a file and returns its format.
func check(path, format string) (string, error) {
	f, err := regular.Open(path)
	if errors.Is(err, regular.ErrNot) {
		return "", &RefusedError{Path: path, Why: "is not a regular file"}
	}
	if err != nil {
		return "", fmt.Errorf("inspecting an image: %w", err)
	}
	defer func() { _ = f.Close() }()
	begin := make([]byte, headerSize)
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("inspecting %s: %w", path, err)
	}
	begin = begin[:n]
	switch found := sniff(begin); {
	case format == "raw": // whatever a guest has written at its beginning
		return "raw", nil
	case found == "qcow2":
		if why := refuse(begin); why != "" {
			return "", &RefusedError{Path: path, Why: why}
		}
		return "qcow2", nil
	case format == "qcow2":
		return "", &RefusedError{Path: path, Why: "is not a qcow2 image, but " + found}
	case format == "" && found == "raw":
		return "raw", nil
	default:
		return "", &RefusedError{Path: path, Why: "is " + found + ", and not a qcow2 or raw image"}
	}
}

// magics are how image formats begin that QEMU knows, by the offset.
var magics = []struct {
	offset int
	bytes  string
	format string
}{
	{0, "QFI\xfb", "qcow2"},
	{0, "KDMV", "vmdk"}, {0, "COWD", "vmdk"}, {0, "# Disk DescriptorFile", "vmdk"}, {0, "\n# Disk DescriptorFile", "vmdk"},
	{0x40, "\x7f\x10\xda\xbe", "vdi"},
	{0, "vhdxfile", "vhdx"}, {0, "conectix", "vpc"}, {0, "QED\x00", "qed"}, {0, "LUKS\xba\xbe", "luks"},
	{0, "WithoutFreeSpace", "parallels"}, {0, "WithouFreSpacExt", "parallels"}, {0, "Bochs Virtual HD Image", "bochs"},
	{0, "OOOM", "cow"}, {0, "#!/bin/sh\n#V2.0 Format\n", "cloop"},
}

// sniff tells a format by a file's first bytes. What is none of the others is
// raw.
func sniff(begin []byte) string {
	text := string(begin)
	for _, m := range magics {
		if len(text) > m.offset && strings.HasPrefix(text[m.offset:], m.bytes) {
			return m.format
		}
	}
	// QEMU also takes a descriptor after comments and empty lines.
	if strings.Contains(strings.ToLower(text[:min(len(text), 4096)]), "createtype=") {
		return "vmdk"
	}
	return "raw"
}
