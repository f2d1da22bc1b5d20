// Package bundle builds AmiGO: its browser's JavaScript, its programs'
// configuration, and what both read.
package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// Input is what a build depends on.
type Input struct {
	Tree     source.Tree
	Settings settings.Instance
	NPM      npm.Spec // its registry and trust are for the workshop's npm, too
	NPMDir   string   // with npm, as [npm.Get] returns it
}

// Build returns a directory with the source as AmiGO's install and bundling
// left it, but for node_modules. It is kept in the cache: the same source, the
// same settings and the same tools are not built again.
func Build(ctx context.Context, c cache.Dir, shop workshop.Workshop, in Input, out io.Writer) (dir string, cached bool, err error) {
	conf, err := in.Settings.Render()
	if err != nil {
		return "", false, err
	}
	manager, err := in.NPM.Digest()
	if err != nil {
		return "", false, err
	}
	key := cache.Key(in.Tree.Digest, string(conf), shop.Toolchain(), manager, npmScript, buildScript)
	dir, cached, err = c.Get(ctx, "bundle", key, func(dir string) error {
		return build(ctx, c, shop, in, conf, dir, out)
	})
	return filepath.Join(dir, "tree"), cached, err
}

func build(ctx context.Context, c cache.Dir, shop workshop.Workshop, in Input, conf []byte, dir string, out io.Writer) error {
	tree := filepath.Join(dir, "tree")
	files, err := in.Tree.Files("/")
	if err != nil {
		return err
	}
	files.Add(fileset.Text("/conf/amigo.yaml", string(conf)))
	if err := files.WriteTo(tree); err != nil {
		return err
	}
	modules, err := modules(ctx, c, shop, in, out)
	if err != nil {
		return failure("installing AmiGO's JavaScript packages", err)
	}
	dirs := append([]workshop.Dir{
		{At: settings.Root, Host: tree, Out: true},
		{At: settings.WorkingPath},
	}, modules...)
	err = shop.Run(ctx, workshop.Task{Name: "build", Script: buildScript, Env: deterministic, Dirs: dirs, Output: out})
	if err != nil {
		return failure("building AmiGO", err)
	}
	return inspect(tree, in.Settings)
}

// deterministic makes Perl write hashes in the same order everywhere.
var deterministic = []string{"PERL_HASH_SEED=0", "PERL_PERTURB_KEYS=0", "LC_ALL=C.UTF-8", "TZ=UTC"}

// failure puts the last words of a task behind what was being done, which the
// script itself may have told in its very last line, behind "failed: ".
func failure(doing string, err error) error {
	var failed *workshop.Error
	if !errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if words, told, ok := strings.Cut(failed.Output, "failed: "); ok && !strings.Contains(told, "\n") {
		err = &workshop.Error{Task: failed.Task, Output: strings.TrimSpace(words), Err: failed.Err}
		doing = told
	}
	return fmt.Errorf("%s failed; its last lines:\n%w", doing, err)
}

// inspect says whether a build made what serving needs.
func inspect(tree string, want settings.Instance) error {
	for _, name := range []string{"perl/bin/config.pl", "javascript/npm/amigo2-instance-data/lib/data/golr.js"} {
		if _, err := os.Stat(filepath.Join(tree, name)); err != nil {
			return fmt.Errorf("AmiGO's install ended without an error, but did not make %s", name)
		}
	}
	bundles, err := filepath.Glob(filepath.Join(tree, "javascript/staging/*.js"))
	if err != nil || len(bundles) == 0 {
		return errors.New("AmiGO's bundling ended without an error, but left no JavaScript in javascript/staging")
	}
	return leftovers(bundles, want)
}

// Recipe returns what of a build's way is not in its input.
func Recipe() string { return cache.Key(npmScript, buildScript) }
