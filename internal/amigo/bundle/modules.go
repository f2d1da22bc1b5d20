package bundle

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

//go:embed npm.sh
var npmScript string

//go:embed build.sh
var buildScript string

// instanceData is the package of AmiGO's own that has packages of its own.
const instanceData = "javascript/npm/amigo2-instance-data"

// guestTrust is where a Debian guest keeps all trusted certificates in one
// file. Node has a list of its own otherwise.
const guestTrust = "/etc/ssl/certs/ca-certificates.crt"

// modules installs the JavaScript packages that the source's lock files name
// and returns the directories in which a build sees them. They are kept apart
// from the build, since most changes of a source do not change them.
func modules(ctx context.Context, c cache.Dir, shop workshop.Workshop, in Input, out io.Writer) ([]workshop.Dir, error) {
	wanted, err := lockFiles(in.Tree)
	if err != nil {
		return nil, err
	}
	digest, err := wanted.Digest()
	if err != nil {
		return nil, err
	}
	manager, err := in.NPM.Digest()
	if err != nil {
		return nil, err
	}
	key := cache.Key(digest, shop.Toolchain(), manager, npmScript)
	if shop.Remote() {
		return moduleDirs("", key), install(ctx, shop, in, wanted, "", key, out)
	}
	dir, _, err := c.Get(ctx, "modules", key, func(dir string) error {
		return install(ctx, shop, in, wanted, dir, key, out)
	})
	return moduleDirs(dir, key), err
}

func moduleDirs(dir, key string) []workshop.Dir {
	var dirs []workshop.Dir
	for _, at := range []string{"", instanceData} {
		below := path.Join("modules", at, "node_modules")
		seen := workshop.Dir{At: path.Join(settings.Root, at, "node_modules"), Keep: path.Join(key, below)}
		if dir != "" {
			seen.Host = filepath.Join(dir, below)
		}
		dirs = append(dirs, seen)
	}
	return dirs
}

func install(ctx context.Context, shop workshop.Workshop, in Input, wanted fileset.Set, dir, key string, out io.Writer) error {
	input, err := scratch.New(os.TempDir(), "modules")
	if err != nil {
		return err
	}
	defer input.Close()
	if err := wanted.WriteTo(input.Path("files")); err != nil {
		return err
	}
	task := workshop.Task{
		Name: "npm", Script: npmScript, Network: true, Output: out,
		Dirs: []workshop.Dir{
			{At: "/mnt/in", Host: input.Path("files")}, {At: "/mnt/out", Host: dir, Keep: key, Out: true},
			{At: npm.Root, Host: in.NPMDir},
		},
		Env: []string{"npm=" + npm.Command},
	}
	if in.NPM.Registry != "" {
		task.Env = append(task.Env, "npm_config_registry="+in.NPM.Registry)
	}
	if shop.Remote() {
		task.Env = append(task.Env, "NODE_EXTRA_CA_CERTS="+guestTrust)
	} else if trust := in.NPM.Trust; trust != "" {
		task.Dirs = append(task.Dirs, workshop.Dir{At: "/mnt/trust", Host: filepath.Dir(trust)})
		file := path.Join("/mnt/trust", filepath.Base(trust))
		task.Env = append(task.Env, "NODE_EXTRA_CA_CERTS="+file, "npm_config_cafile="+file)
	}
	return shop.Run(ctx, task)
}

// lockFiles returns what decides which packages are installed.
func lockFiles(tree source.Tree) (fileset.Set, error) {
	wanted := fileset.Set{}
	for _, dir := range []string{"", instanceData} {
		for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
			rel := path.Join(dir, name)
			text, err := regular.ReadFile(filepath.Join(tree.Dir, rel), regular.Document)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			wanted.Add(fileset.Text("/"+rel, string(text)))
		}
	}
	return wanted, nil
}
