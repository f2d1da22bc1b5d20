package roottree

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// partition is a part of a disk, in sectors.
type partition struct {
	Start int64  `json:"start"`
	Size  int64  `json:"size"`
	Type  string `json:"type"`
}

const sectorSize = 512

func (p partition) offset() int64 { return p.Start * sectorSize }

func (p partition) length() int64 { return p.Size * sectorSize }

// table is what sfdisk knows of a disk.
type table struct {
	PartitionTable struct {
		Label      string      `json:"label"`
		SectorSize int64       `json:"sectorsize"`
		Partitions []partition `json:"partitions"`
	} `json:"partitiontable"`
}

// linuxData is the type of a Linux partition that does not say what it is for, by the
// Discoverable Partitions Specification.
const linuxData = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

// findRoot returns the root partition of a raw disk.
func findRoot(ctx context.Context, disk string, a arch.Arch) (partition, error) {
	out, err := command.Output(ctx, command.Cmd{Name: "sfdisk", Args: []string{"--json", disk}})
	if err != nil {
		return partition{}, &UnsuitableError{Why: "the disk has no partitions", Err: err}
	}
	return parseTable(out, a)
}

func parseTable(told []byte, a arch.Arch) (partition, error) {
	var t table
	if err := json.Unmarshal(told, &t); err != nil {
		return partition{}, fmt.Errorf("reading what sfdisk says: %w", err)
	}
	if t.PartitionTable.Label != "gpt" || t.PartitionTable.SectorSize != sectorSize {
		return partition{}, &UnsuitableError{Why: "the disk has no GPT with sectors of 512 bytes"}
	}
	for _, kind := range []string{a.RootType, linuxData} {
		found := slices.DeleteFunc(slices.Clone(t.PartitionTable.Partitions), func(p partition) bool { return p.Type != kind })
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return partition{}, &UnsuitableError{Why: "it is not clear which of the disk's partitions is the root"}
}

// fileSystem is what makes another ext4 file system like one.
type fileSystem map[string]string

// attributes are the lines of dumpe2fs that matter, and the shell variables for them.
var attributes = map[string]string{
	"Filesystem volume name": "FS_LABEL", "Filesystem UUID": "FS_UUID", "Filesystem features": "FS_FEATURES",
	"Inode count": "FS_INODES", "Inode size": "FS_INODE_SIZE", "Block size": "FS_BLOCK_SIZE", "Block count": "FS_BLOCKS",
	"Reserved block count": "FS_RESERVED", "Directory Hash Seed": "FS_HASH_SEED", "Total journal size": "FS_JOURNAL",
}

var line = regexp.MustCompile(`(?m)^([A-Z][A-Za-z ]*):\s+(\S.*)$`)

func readFileSystem(ctx context.Context, disk string, p partition) (fileSystem, error) {
	place := disk + "?offset=" + strconv.FormatInt(p.offset(), 10)
	out, err := command.Output(ctx, command.Cmd{Name: "dumpe2fs", Args: []string{"-h", place}})
	if err != nil {
		return nil, &UnsuitableError{Why: "the disk's root file system is not ext4", Err: err}
	}
	return parseFileSystem(string(out))
}

// temporary are features of a file system that is in use or was not unmounted.
var temporary = []string{"needs_recovery", "orphan_present"}

func parseFileSystem(told string) (fileSystem, error) {
	fs := fileSystem{}
	for _, match := range line.FindAllStringSubmatch(told, -1) {
		if name, ok := attributes[match[1]]; ok {
			fs[name] = strings.TrimSpace(match[2])
		}
	}
	for field, name := range attributes {
		if fs[name] == "" {
			return nil, &UnsuitableError{Why: "dumpe2fs does not say its " + field}
		}
	}
	features := strings.Fields(fs["FS_FEATURES"])
	if slices.Contains(features, temporary[0]) {
		return nil, &UnsuitableError{Why: "the disk's root file system was not unmounted"}
	}
	features = slices.DeleteFunc(features, func(f string) bool { return slices.Contains(temporary, f) })
	fs["FS_FEATURES"] = strings.Join(append([]string{"none"}, features...), ",")
	if fs["FS_LABEL"] == "<none>" {
		fs["FS_LABEL"] = ""
	}
	journal, err := units.RAMInBytes(fs["FS_JOURNAL"])
	if err != nil {
		return nil, &UnsuitableError{Why: "the size of its journal is not understood", Err: err}
	}
	fs["FS_JOURNAL"] = strconv.FormatInt(journal/units.MiB, 10)
	return fs, nil
}

// reserved is the share of blocks that are root's, as mke2fs takes it: in percent, so that
// it rounds down to the same number.
func (fs fileSystem) reserved() string {
	reserved, _ := strconv.ParseFloat(fs["FS_RESERVED"], 64)
	blocks, _ := strconv.ParseFloat(fs["FS_BLOCKS"], 64)
	return strconv.FormatFloat((reserved+0.5)*100/blocks, 'f', 9, 64)
}

func (fs fileSystem) env() []string {
	env := []string{"FS_PERCENT=" + fs.reserved()}
	for name, value := range fs {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}
