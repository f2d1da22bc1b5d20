package harden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/roottree"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// firstBoot is what a machine does at its first boot and the changes rely on.
const firstBoot = `test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
`

// Disk makes the changes on this host, in the root file system of the qcow2 file disk, which
// stays as it is, and writes the raw disk with the production image. Where that can't be done
// the error is a [*roottree.UnsuitableError], and [Image] can do it.
func Disk(ctx context.Context, disk string, a arch.Arch, raw string, set Settings, sink event.Sink) error {
	if err := bootstrap.CheckForeign(ctx, a.Name); err != nil {
		return &roottree.UnsuitableError{Why: "the image is of another architecture", Err: err}
	}
	phase := event.Start(sink, "read disk", "")
	tree, err := roottree.Open(ctx, disk, a, raw+".tree")
	if unsuitable := (*roottree.UnsuitableError)(nil); errors.As(err, &unsuitable) {
		return errors.Join(phase.End(event.OK, "not possible on this host", nil), err)
	}
	if phase.End(event.OK, "its root file system", err) != nil {
		return err
	}
	return errors.Join(change(ctx, tree, raw, set, sink), tree.Close()) //nolint:contextcheck // it goes, even after Ctrl-C
}

func change(ctx context.Context, tree *roottree.Tree, raw string, set Settings, sink event.Sink) error {
	phase := event.Start(sink, "harden", "on this host")
	if err := phase.End(event.OK, "", changeFiles(ctx, tree, set, phase)); err != nil {
		return err
	}
	phase = event.Start(sink, "write disk", "")
	err := tree.WriteBack(ctx)
	if err == nil {
		err = os.Rename(tree.Disk(), raw)
	}
	return phase.End(event.OK, "", err)
}

func changeFiles(ctx context.Context, tree *roottree.Tree, set Settings, phase *event.Phase) error {
	survey, err := look(ctx, tree)
	if err != nil {
		return err
	}
	if err := suits(survey); err != nil {
		return err
	}
	if err := tree.Run(ctx, firstBoot, lines(phase)); err != nil {
		return err
	}
	if err := apply(ctx, tree, survey, set, phase); err != nil {
		return err
	}
	return tree.Run(ctx, seal.Script(), lines(phase))
}

// suits returns an error if the changes need what only a running machine has.
func suits(s Survey) error {
	if missing := s.missing(); len(missing) > 0 {
		return &roottree.UnsuitableError{Why: fmt.Sprintf("the image lacks %s, which a machine has to fetch", strings.Join(missing, ", "))}
	}
	return nil
}
