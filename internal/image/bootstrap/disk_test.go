package bootstrap

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

func TestEmbed(t *testing.T) {
	boot, core := make([]byte, sectorSize), make([]byte, 3*sectorSize)
	mbr, embedded, err := embed(boot, core)
	if err != nil {
		t.Fatal(err)
	}
	if len(mbr) != bootCodeSize {
		t.Errorf("the boot code would overwrite the partition table: %d bytes", len(mbr))
	}
	if got := binary.LittleEndian.Uint64(mbr[bootKernelSector:]); got != 2048 {
		t.Errorf("the boot sector loads sector %d", got)
	}
	if got := binary.LittleEndian.Uint64(embedded[coreBlockList:]); got != 2049 {
		t.Errorf("the core image goes on at sector %d", got)
	}
	if !bytes.Equal(core, make([]byte, len(core))) {
		t.Error("the input was changed")
	}
}

func TestEmbedRefusesShortImages(t *testing.T) {
	if _, _, err := embed(make([]byte, 100), make([]byte, 4096)); err == nil {
		t.Error("a short boot.img was taken")
	}
	if _, _, err := embed(make([]byte, 512), make([]byte, 512)); err == nil {
		t.Error("a short core.img was taken")
	}
}

func TestPartitionTable(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "disk.raw")
	l := newLayout(4<<30, "seed", arch.AMD64)
	if err := partition(t.Context(), l, raw); err != nil {
		t.Fatal(err)
	}
	out, err := command.Output(t.Context(), command.Cmd{Name: "sfdisk", Args: []string{"--json", raw}})
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		PartitionTable struct {
			Label      string
			Partitions []struct{ Start, Size int64 }
		}
	}
	if err := json.Unmarshal(out, &table); err != nil {
		t.Fatal(err)
	}
	parts := table.PartitionTable.Partitions
	if table.PartitionTable.Label != "gpt" || len(parts) != 3 {
		t.Fatalf("got %s", out)
	}
	if parts[0].Start != biosStart || parts[1].Start != espStart || parts[2].Start != rootStart {
		t.Errorf("got %s", out)
	}
	if (parts[2].Start+parts[2].Size)*sectorSize >= l.size {
		t.Errorf("the root partition leaves no room for the second table: %s", out)
	}
}

func TestLayoutIsTheSameForTheSameSeed(t *testing.T) {
	if first, again := newLayout(4<<30, "a", arch.AMD64), newLayout(4<<30, "a", arch.AMD64); first != again {
		t.Error("the same seed gave two layouts")
	}
	if newLayout(4<<30, "a", arch.AMD64).rootUUID == newLayout(4<<30, "b", arch.AMD64).rootUUID {
		t.Error("two seeds gave one UUID")
	}
}
