package qemu

import (
	"context"
	"fmt"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// versionLine is the first line that QEMU prints for --version.
var versionLine = regexp.MustCompile(`version (\d+(?:\.\d+)+)`)

// Version returns the version of a QEMU program, like "7.2.22".
func Version(ctx context.Context, binary string) (string, error) {
	out, err := command.Output(ctx, command.Cmd{Name: binary, Args: []string{"--version"}})
	if err != nil {
		return "", fmt.Errorf("asking for qemu's version: %w", err)
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return "", fmt.Errorf("%s names no version: %.60q", binary, out)
	}
	return string(match[1]), nil
}
