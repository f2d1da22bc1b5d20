//go:build vm && long

package bundle

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"al.essio.dev/pkg/shellescape"
	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const examples = "../../../examples/amigo"

// TestSameBytes builds the sample natively on the host and with the scripts
// that run in a guest, in a root file system that can be written.
func TestSameBytes(t *testing.T) {
	ctx := t.Context()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	rootfs := rootFS(t, store)
	native, err := workshop.OnHost(ctx, store, rootfs)
	if err != nil {
		t.Fatal(err)
	}
	inGuest, err := workshop.InGuest(ctx, unpacked(t, rootfs))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inGuest.Close(context.Background()) }()

	in := input(t, store)
	want, got := built(t, store, native, in), built(t, store, inGuest, in)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the guest builds otherwise (-host +guest):\n%s", diff)
	}
}

func input(t *testing.T, store cache.Dir) Input {
	t.Helper()
	tree, err := source.Get(t.Context(), store, source.Spec{Location: filepath.Join(examples, "sample")})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(tree.Dir, "conf/.initial_values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	defaults, err := settings.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := settings.ForImage(defaults, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Tree: tree, Settings: instance}
}

func built(t *testing.T, store cache.Dir, shop workshop.Workshop, in Input) fileset.Manifest {
	t.Helper()
	dir, _, err := Build(t.Context(), store, shop, in, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fileset.Tree(dir, "/", func(rel string) bool { return filepath.Base(rel) == "node_modules" })
	if err != nil {
		t.Fatal(err)
	}
	m, err := files.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rootFS is the one that the example's image is made of.
func rootFS(t *testing.T, store cache.Dir) string {
	t.Helper()
	plan, err := bootstrap.Resolve(t.Context(), store, bootstrap.Spec{
		Distribution: "debian", Release: distro.Standard().Default, Architecture: "amd64", DiskSize: 8 << 30,
		Needs: []string{distro.AmiGO, distro.Production},
	})
	if err != nil {
		t.Fatal(err)
	}
	tar, _, err := bootstrap.RootFS(t.Context(), store, plan, event.Start(event.Discard, "base", ""))
	if err != nil {
		t.Fatal(err)
	}
	return tar
}

// root is an unpacked root file system that stands for a guest's disk.
type root struct{ dir string }

func unpacked(t *testing.T, tar string) remote.Runner {
	t.Helper()
	dir := t.TempDir()
	err := command.Run(t.Context(), command.Cmd{Name: "tar", Args: []string{"-C", dir, "-xf", tar, "--exclude=./dev/*"}})
	if err != nil {
		t.Fatal(err)
	}
	return root{dir}
}

func (r root) Run(ctx context.Context, c remote.Command) error {
	return command.Run(ctx, command.Cmd{
		Name: "bwrap", Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		Args: []string{
			"--bind", r.dir, "/", "--dev", "/dev", "--proc", "/proc", "--cap-add", "ALL", "--die-with-parent", "--unshare-pid",
			"--ro-bind", "/etc/resolv.conf", "/run/resolv.conf", "--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs",
			"sh", "-c", "mkdir -p /run/systemd/resolve; cp /run/resolv.conf /run/systemd/resolve/stub-resolv.conf; exec sh -eu -c " + shellescape.Quote(c.Script),
		},
	})
}
