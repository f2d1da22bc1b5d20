// Package npm brings npm, Node's package manager, to where AmiGO is built and to the
// image. It is one package from npm's own registry: Debian's needs some 350 others.
package npm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Version is the last of npm 10, which runs with Node 18 and with Node 20 and later ones.
const Version = "10.9.9"

// sha256 is that of the package's file.
const sha256 = "c80bd097147cce32e31010b791bab8c71a26a5e10668210ec9d2e7f4c7cea2a1"

// file is the name that "npm pack" gives the package's file.
const file = "npm-" + Version + ".tgz"

// Root is where a guest has npm, as any package that npm itself installs for everybody.
const Root = "/usr/local/lib/node_modules/npm"

// Command is how npm is called with [Root] there: Node, and the program that it runs.
const Command = "node " + Root + "/bin/npm-cli.js"

// links are the programs, by where a shell finds them.
var links = map[string]string{"/usr/local/bin/npm": "npm-cli.js", "/usr/local/bin/npx": "npx-cli.js"}

// Spec is where npm comes from.
type Spec struct {
	Package  string // path or address of its file; "": [Version], which the host's npm fetches
	Checksum string // of Package, "sha256:..."; needed for an address
	Registry string // for the host's npm; "" is what its own settings say
	Trust    string // file of certificates that the host's npm trusts; "": its own
	Fetch    fetch.Options
}

// Validate says what is wrong with spec, each fault as that of its field.
func (s Spec) Validate() error {
	var faults []error
	if s.Package == "" && s.Checksum != "" {
		faults = append(faults, field.Errorf("NPM.Checksum", "there is no file that it could be the checksum of"))
	}
	if fetch.IsURL(s.Package) && s.Checksum == "" {
		faults = append(faults, field.Errorf("NPM.Checksum", "is missing: a file from the network is used only with \"sha256:...\""))
	}
	if s.Package != "" && !fetch.IsURL(s.Package) {
		_, err := os.Stat(s.Package)
		faults = append(faults, field.Wrap("NPM.Package", err))
	}
	return errors.Join(append(faults, field.Wrap("NPM.Checksum", fetch.ValidChecksum(s.Checksum)))...)
}

// Digest tells which npm it is, without the network.
func (s Spec) Digest() (string, error) {
	switch {
	case s.Package == "":
		return sha256, nil
	case s.Checksum != "":
		return strings.TrimPrefix(s.Checksum, "sha256:"), nil
	}
	sum, err := fetch.Sum(s.Package)
	return sum, field.Wrap("NPM.Package", err)
}

// Get returns a directory of the cache with npm in it.
func Get(ctx context.Context, c cache.Dir, s Spec) (dir string, err error) {
	tar, sum, err := s.fetch(ctx, c)
	if err != nil {
		return "", field.Wrap("NPM.Package", err)
	}
	dir, _, err = c.Get(ctx, "npm", cache.Key(sum), func(dir string) error {
		if err := unpack.File(ctx, tar, filepath.Join(dir, "npm")); err != nil {
			return err
		}
		return check(filepath.Join(dir, "npm", "package"))
	})
	return filepath.Join(dir, "npm", "package"), field.Wrap("NPM.Package", err)
}

// check returns an error if what was unpacked is not npm.
func check(dir string) error {
	for _, program := range links {
		if info, err := os.Lstat(filepath.Join(dir, "bin", program)); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("it is not npm's package: it lacks package/bin/%s", program)
		}
	}
	return nil
}

func (s Spec) fetch(ctx context.Context, c cache.Dir) (tar, sum string, err error) {
	if s.Package != "" {
		return fetch.File(ctx, c, s.Package, s.Checksum, s.Fetch)
	}
	dir, _, err := c.Get(ctx, "npm-package", cache.Key(sha256), func(dir string) error { return s.pack(ctx, dir) })
	if err != nil && ctx.Err() == nil {
		err = fetch.Explain(err, "npm "+Version, "set npm_package to a copy of "+file, "name a registry in ~/.npmrc")
	}
	return filepath.Join(dir, file), sha256, err
}

// pack lets the host's npm fetch the package: it knows from its settings which registry,
// login and proxy to use.
func (s Spec) pack(ctx context.Context, dir string) error {
	cmd := command.Cmd{
		Name: "npm", Args: []string{"pack", "npm@" + Version, "--pack-destination", dir, "--ignore-scripts", "--loglevel=error"},
		Dir: dir, // where no project's settings are
		Env: []string{"npm_config_update_notifier=false"},
	}
	if s.Registry != "" {
		cmd.Env = append(cmd.Env, "npm_config_registry="+s.Registry)
	}
	if s.Trust != "" {
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+s.Trust, "npm_config_cafile="+s.Trust)
	}
	if err := command.Run(ctx, cmd); err != nil {
		return err
	}
	got, err := fetch.Sum(filepath.Join(dir, file))
	if err == nil && got != sha256 {
		err = &fetch.ChecksumError{Name: "npm@" + Version, Want: sha256, Got: got}
	}
	return err
}

// Files are npm in dir as a guest has it.
func Files(dir string) (fileset.Set, error) {
	files, err := fileset.Tree(dir, Root, func(rel string) bool { return rel == "docs" })
	if err != nil {
		return nil, err
	}
	for link, program := range links {
		at := path.Join(Root, "bin", program)
		f := files[at]
		f.Mode = 0o755
		files.Add(f, fileset.Symlink(link, at))
	}
	return files, nil
}
