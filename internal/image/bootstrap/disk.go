package bootstrap

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// assemble unpacks a root file system, configures it and makes the file
// systems of a disk from it. It runs as root or as the root of a user
// namespace.
//
//go:embed assemble.sh
var assemble string

// diskName is the name of the disk in its cache entry.
const diskName = "base.qcow2"

// DiskKey returns the digest of all that decides what is on a plan's disk.
func DiskKey(plan Resolution) string {
	return cache.Key(plan.Key(), assemble, distro.Digest(), strconv.FormatInt(plan.Spec.DiskSize, 10))
}

// Disk returns the path of a bootable qcow2 disk of what plan describes,
// made from the root file system in the tar rootFS, and whether it was there
// already.
func Disk(ctx context.Context, c cache.Dir, plan Resolution, rootFS string, phase *event.Phase) (path string, cached bool, err error) {
	a, err := arch.Find(plan.Spec.Architecture)
	if err != nil {
		return "", false, err
	}
	g, err := plan.Spec.guest()
	if err != nil {
		return "", false, err
	}
	dir, cached, err := c.Get(ctx, "base", DiskKey(plan), func(dir string) error {
		return makeDisk(ctx, newLayout(plan.Spec.DiskSize, plan.Key(), a), g, rootFS, dir, phase)
	})
	return filepath.Join(dir, diskName), cached, err
}

func makeDisk(ctx context.Context, l partitions, g guest, rootFS, dir string, phase *event.Phase) error {
	if err := CheckForeign(ctx, l.arch.Name); err != nil {
		return err
	}
	raw := filepath.Join(dir, "disk.raw")
	defer func() { _ = os.Remove(raw) }()
	if err := partition(ctx, l, raw); err != nil {
		return err
	}
	if err := runAssemble(ctx, l, g, rootFS, dir, raw, phase); err != nil {
		return fmt.Errorf("making the file systems: %w", err)
	}
	if l.arch.BIOS {
		if err := installGrub(dir, raw); err != nil {
			return err
		}
	}
	return qemuimg.Convert(ctx, qemuimg.Conversion{
		Source: raw, SourceFormat: "raw", Target: filepath.Join(dir, diskName),
	}, func(permille int64) { phase.Progress(permille, 1000, event.Permille) })
}

func partition(ctx context.Context, l partitions, raw string) error {
	f, err := os.OpenFile(raw, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("making a disk: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(l.size); err != nil {
		return fmt.Errorf("making a disk: %w", err)
	}
	err = command.Run(ctx, command.Cmd{
		Name: "sfdisk", Args: []string{"--quiet", "--no-reread", "--no-tell-kernel", raw},
		Stdin: strings.NewReader(l.sfdisk()),
	})
	if err != nil {
		return fmt.Errorf("partitioning the disk: %w", err)
	}
	return nil
}

func runAssemble(ctx context.Context, l partitions, g guest, rootFS, dir, raw string, phase *event.Phase) error {
	out := event.NewLines(phase.Detail)
	defer func() { _ = out.Close() }()
	cmd := userns.Command("sh", "-eu", "-c", assemble)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = []string{
		"ROOTFS=" + rootFS,
		"WORK=" + dir,
		"DISK=" + raw,
		"ROOT_UUID=" + l.rootUUID,
		"ESP_ID=" + l.espID,
		"ROOT_OFFSET=" + strconv.FormatInt(rootStart*sectorSize, 10),
		"ROOT_KIB=" + strconv.FormatInt(l.rootSize()*sectorSize/1024, 10),
		"ESP_SECTOR=" + strconv.Itoa(espStart),
		"ESP_KIB=" + strconv.Itoa(espSize*sectorSize/1024),
		"BIOS=" + strconv.FormatBool(l.arch.BIOS),
		"GRUB=" + l.arch.GRUB,
		"LOADER=" + l.arch.Loader,
		"CONSOLE=" + l.arch.Console,
		"GRUB_DIR=" + g.Boot.Grub,
		"GRUB_MODULES=" + g.Boot.Modules,
		"GRUB_IMAGE=" + g.Boot.Image,
		"INITRD=" + g.Boot.Initrd,
		"LINKED=" + strconv.FormatBool(g.Boot.Linked),
		"OPTIONS=" + g.Boot.Options,
		"LOCALE=" + g.Boot.Locale,
		"SSH=" + g.Boot.SSH,
		"START=" + strings.Join(g.Start, " "),
		"WAIT=" + strings.Join(slices.Concat(g.Wait, g.WaitToo), " "),
		"LC_ALL=C",
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}
	return command.Run(ctx, cmd)
}

// installGrub writes GRUB for BIOS into the places that the layout left for it.
func installGrub(dir, raw string) error {
	boot, err := os.ReadFile(filepath.Join(dir, "boot.img"))
	if err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	core, err := os.ReadFile(filepath.Join(dir, "core.img"))
	if err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	if int64(len(core)) > biosSize*sectorSize {
		return fmt.Errorf("installing grub: its core image has %d bytes, more than its partition", len(core))
	}
	mbr, embedded, err := embed(boot, core)
	if err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	f, err := os.OpenFile(raw, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt(mbr, 0); err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	if _, err := f.WriteAt(embedded, biosStart*sectorSize); err != nil {
		return fmt.Errorf("installing grub: %w", err)
	}
	for _, name := range []string{"boot.img", "core.img"} {
		_ = os.Remove(filepath.Join(dir, name))
	}
	return nil
}
