// Package seed makes the disk that tells a new machine its name and who may
// log in: a NoCloud seed, which cloud-init reads.
// https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
package seed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// Seed is what a machine is told.
type Seed struct {
	Instance       string   // changes when the machine is to configure itself again
	Host           string   // the machine's name
	AuthorizedKeys []string // of the operator, lines of authorized_keys
	// Root gives the keys to root and to nobody else; the user whom the image
	// would make is not made.
	Root bool
}

// files returns the files of the seed.
func (s Seed) files() map[string]string {
	var user strings.Builder
	user.WriteString("#cloud-config\nhostname: " + s.Host + "\n")
	indent := ""
	if s.Root {
		indent = "    "
		user.WriteString("disable_root: false\nusers:\n  - name: root\n    lock_passwd: false\n")
	}
	if len(s.AuthorizedKeys) > 0 {
		user.WriteString(indent + "ssh_authorized_keys:\n")
	}
	for _, key := range s.AuthorizedKeys {
		user.WriteString(indent + "  - " + strconv.Quote(key) + "\n")
	}
	return map[string]string{
		"meta-data": "instance-id: " + s.Instance + "\n",
		"user-data": user.String(),
	}
}

// Write makes the disk at path, a FAT file system that is named as NoCloud
// looks for it. What is there already is replaced.
func (s Seed) Write(ctx context.Context, path string) error {
	source, err := os.MkdirTemp(filepath.Dir(path), "seed-")
	if err != nil {
		return fmt.Errorf("making a seed: %w", err)
	}
	defer func() { _ = os.RemoveAll(source) }()
	partial := filepath.Join(source, "seed.img")
	mcopy := command.Cmd{Name: "mcopy", Args: []string{"-i", partial}}
	for name, content := range s.files() {
		file := filepath.Join(source, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return fmt.Errorf("making a seed: %w", err)
		}
		mcopy.Args = append(mcopy.Args, file)
	}
	mcopy.Args = append(mcopy.Args, "::")
	mkfs := command.Cmd{Name: "mkfs.vfat", Args: []string{"-C", "-n", "CIDATA", partial, "1024"}}
	for _, cmd := range []command.Cmd{mkfs, mcopy} {
		if err := command.Run(ctx, cmd); err != nil {
			return fmt.Errorf("making a seed: %w", err)
		}
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("making a seed: %w", err)
	}
	return nil
}
