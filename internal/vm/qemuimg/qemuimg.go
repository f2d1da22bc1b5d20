// Package qemuimg makes, converts and checks disk images with qemu-img.
// Formats are always given, never probed: a guest decides what a raw disk
// begins with.
package qemuimg

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Conversion says what to convert.
type Conversion struct {
	Source       string
	SourceFormat string // "qcow2" or "raw"
	Target       string // a new file without a backing file
	TargetFormat string // "" is "qcow2"
	Subformat    string // of a vmdk; "" is qemu-img's own choice
	Compressed   bool   // with zstd; qcow2 only
}

// Args returns qemu-img's arguments.
func (c Conversion) Args() []string {
	args := []string{"convert", "-p", "-f", c.SourceFormat, "-O", cmp.Or(c.TargetFormat, "qcow2")}
	if c.Subformat != "" {
		args = append(args, "-o", "subformat="+c.Subformat)
	}
	if c.Compressed {
		args = append(args, "-c", "-m", "2", "-W", "-o", "compression_type=zstd")
	}
	return append(args, local(c.Source), local(c.Target))
}

// percent is how qemu-img -p reports: "    (12.34/100%)".
var percent = regexp.MustCompile(`\((\d+)\.(\d)\d*/100%\)`)

// Convert runs the conversion and calls progress with the thousandths done.
func Convert(ctx context.Context, c Conversion, progress func(permille int64)) error {
	out := event.NewLines(func(line string) {
		for _, match := range percent.FindAllStringSubmatch(line, -1) {
			whole, _ := strconv.ParseInt(match[1], 10, 64)
			tenth, _ := strconv.ParseInt(match[2], 10, 64)
			progress(whole*10 + tenth)
		}
	})
	err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: c.Args(), Stdout: out})
	if err != nil {
		return fmt.Errorf("converting %s: %w", c.Source, err)
	}
	return nil
}

// Check looks for damage in the structure of the qcow2 image at path.
func Check(ctx context.Context, path string) error {
	if err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: []string{"check", "-q", "-f", "qcow2", local(path)}}); err != nil {
		return fmt.Errorf("checking %s: %w", path, err)
	}
	return nil
}

// Compare fails unless both images hold the same disk.
func Compare(ctx context.Context, a, aFormat, b, bFormat string) error {
	args := []string{"compare", "-q", "-f", aFormat, "-F", bFormat, local(a), local(b)}
	if err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		return fmt.Errorf("comparing %s with %s: %w", a, b, err)
	}
	return nil
}

// Overlay makes target, a qcow2 image that holds what will differ from
// backing.
func Overlay(ctx context.Context, backing, backingFormat, target string) error {
	args := []string{"create", "-q", "-f", "qcow2", "-F", backingFormat, "-b", local(backing), local(target)}
	if err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		return fmt.Errorf("making an overlay on %s: %w", backing, err)
	}
	return nil
}

// Create makes an empty qcow2 image of size bytes.
func Create(ctx context.Context, path string, size int64) error {
	args := []string{"create", "-q", "-f", "qcow2", local(path), strconv.FormatInt(size, 10)}
	if err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		return fmt.Errorf("making a disk: %w", err)
	}
	return nil
}

// Resize makes the qcow2 image at path larger, to size bytes.
func Resize(ctx context.Context, path string, size int64) error {
	args := []string{"resize", "-q", "-f", "qcow2", local(path), strconv.FormatInt(size, 10)}
	if err := command.Run(ctx, command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		return fmt.Errorf("resizing %s: %w", path, err)
	}
	return nil
}

// Image is what qemu-img knows of an image.
type Image struct {
	Format      string `json:"format"`
	VirtualSize int64  `json:"virtual-size"` // bytes
	ActualSize  int64  `json:"actual-size"`  // bytes on the host's disk
	BackingFile string `json:"backing-filename"`
	// FullBackingFile is BackingFile as QEMU would open it.
	FullBackingFile string `json:"full-backing-filename"`
	Specific        struct {
		Data struct {
			Compression string `json:"compression-type"`
			Compat      string `json:"compat"`
			DataFile    string `json:"data-file"`
		} `json:"data"`
	} `json:"format-specific"`
}

// info reads what the image at path is. It does not open backing files.
func info(ctx context.Context, path, format string) (Image, error) {
	var image Image
	out, err := command.Output(ctx, command.Cmd{Name: "qemu-img", Args: []string{"info", "-f", format, "--output=json", local(path)}})
	if err != nil {
		return image, fmt.Errorf("inspecting %s: %w", path, err)
	}
	if err := json.Unmarshal(out, &image); err != nil {
		return image, fmt.Errorf("reading what qemu-img says of %s: %w", path, err)
	}
	return image, nil
}

// Describe returns what qemu-img says of an image of ours, for people, also while a guest
// writes to it.
func Describe(ctx context.Context, path, format string) ([]byte, error) {
	out, err := command.Output(ctx, command.Cmd{Name: "qemu-img", Args: []string{"info", "-U", "-f", format, local(path)}})
	if err != nil {
		return nil, fmt.Errorf("inspecting %s: %w", path, err)
	}
	return out, nil
}

// local makes a path absolute. QEMU takes the beginning of another one for an
// option, or for a protocol: "-o", "nbd:", "json:".
func local(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil { // the working directory is gone
		return "./" + path
	}
	return absolute
}
