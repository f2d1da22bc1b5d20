// Package datadisk makes the disk that holds GOlr's data apart from the system: a small
// read-only file system with the index and what is known of it. A machine finds it by its
// label.
//
//	index/                     Lucene's files
//	about.json                 what the data are, for programs
//	release                    the same for shells and Perl: a name, a tab and a value a line
//	golr_timestamp.log  release-archive-doi.json  doi-badge.svg
package datadisk

import (
	"cmp"
	"context"
	_ "embed" // disk.sh
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/adapt"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Label is that of the file system.
const Label = "amigo-data"

// Names of files on the disk.
const (
	ReleaseFile = "release"
	LogFile     = "golr_timestamp.log"
	RecordFile  = "release-archive-doi.json"
	BadgeFile   = "doi-badge.svg"
	aboutFile   = "about.json"
)

// Names of the lines of [ReleaseFile], besides those of [adapt.Names].
const (
	DateName      = "DATE"
	DOIName       = "DOI"
	DocumentsName = "DOCUMENTS"
	ExampleName   = "EXAMPLE"
	SchemaName    = "SCHEMA"
)

// Content is what a disk holds.
type Content struct {
	Index   golr.Index
	Release release.Release
	Schema  string // digest of the schema that the index is of
}

// About is what is known of the data, for programs.
type About struct {
	GOlr manifest.GOlr `json:"golr"`
	Test Test          `json:"test"`
}

// Test is what the data can be tried with.
type Test struct {
	Search string `json:"search"` // the label of a term
	Term   string `json:"term"`   // its identifier
}

// About returns what is known of the data.
func (c Content) About() About {
	date, doi := c.Release.Date(), c.Release.DOI
	return About{
		GOlr: manifest.GOlr{
			Documents: int64(c.Index.Documents), Kinds: c.Index.Kinds, Date: date, DOI: doi,
			Example: manifest.IsExample(doi), On: manifest.OnData, Schema: c.Schema,
		},
		Test: Test{Search: c.Index.Label, Term: c.Index.Term},
	}
}

// Disk is a finished one.
type Disk struct {
	Path  string // of the raw disk, in the cache
	About About
}

//go:embed disk.sh
var script string

// Recipe returns what decides a disk besides its content.
func Recipe() string { return script }

// Make returns the disk of some data, from the cache if it is there. The same data give the
// same bytes.
func Make(ctx context.Context, c cache.Dir, content Content) (disk Disk, cached bool, err error) {
	files, err := content.files()
	if err != nil {
		return Disk{}, false, err
	}
	parts := []string{script, content.Index.Digest}
	for _, file := range files {
		parts = append(parts, file.name, file.text)
	}
	key := cache.Key(parts...)
	dir, cached, err := c.Get(ctx, "data", key, func(dir string) error { return content.write(ctx, dir, key, files) })
	return Disk{Path: filepath.Join(dir, "disk.raw"), About: content.About()}, cached, err
}

// file is a small one beside the index.
type file struct{ name, text string }

func (c Content) files() ([]file, error) {
	about, err := json.MarshalIndent(c.About(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describing the data: %w", err)
	}
	files := []file{
		{aboutFile, string(about) + "\n"}, {ReleaseFile, c.lines()}, {BadgeFile, adapt.Badge(c.Release.DOI)},
	}
	for _, optional := range []file{{LogFile, c.Release.Log()}, {RecordFile, c.Release.Record()}} {
		if optional.text != "" {
			files = append(files, optional)
		}
	}
	return files, nil
}

// lines is the content of [ReleaseFile].
func (c Content) lines() string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s\t%s\n", name, oneLine.ReplaceAllString(value, " ")) }
	known := adapt.Known(c.Release)
	for _, name := range adapt.Names {
		line(name, known[name])
	}
	line(DateName, c.Release.Date())
	line(DOIName, c.Release.DOI)
	line(DocumentsName, strconv.Itoa(c.Index.Documents))
	if manifest.IsExample(c.Release.DOI) {
		line(ExampleName, "yes")
	}
	line(SchemaName, c.Schema)
	return b.String()
}

var oneLine = regexp.MustCompile(`[[:cntrl:]]+`)

// lucene matches the names that Lucene gives to files.
var lucene = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// block is that of the file system, in bytes.
const block = 4096

// measure returns how many bytes the index takes in the file system, and its files.
func measure(dir string) (size int64, names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil, fmt.Errorf("looking at the index: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return 0, nil, fmt.Errorf("looking at the index: %w", err)
		}
		if !info.Mode().IsRegular() || !lucene.MatchString(entry.Name()) {
			return 0, nil, fmt.Errorf("the index holds %q, which is no file of Lucene's", entry.Name())
		}
		size += (info.Size() + block - 1) / block * block
		names = append(names, entry.Name())
	}
	return size, names, nil
}

// Room for the file system itself: extents, bitmaps, the table of files.
const (
	overhead = 4 << 20 // bytes
	share    = 128     // one part of so many
)

// write makes the disk in dir.
func (c Content) write(ctx context.Context, dir, key string, files []file) error {
	size, names, err := measure(c.Index.Dir)
	if err != nil {
		return err
	}
	size += size/share + overhead
	stage := filepath.Join(dir, "stage")
	if err := os.MkdirAll(filepath.Join(stage, "index"), 0o755); err != nil {
		return fmt.Errorf("making the data disk: %w", err)
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(stage, file.name), []byte(file.text), 0o644); err != nil {
			return fmt.Errorf("making the data disk: %w", err)
		}
		names = append(names, "../"+file.name)
	}
	commands := filepath.Join(dir, "fields")
	if err := os.WriteFile(commands, []byte(fields(names)), 0o644); err != nil {
		return fmt.Errorf("making the data disk: %w", err)
	}
	disk := filepath.Join(dir, "disk.raw")
	cmd := inMounts("sh", "-eu", "-c", script)
	cmd.Env = []string{
		"INDEX=" + c.Index.Dir, "STAGE=" + stage, "DISK=" + disk, "FIELDS=" + commands, "LABEL=" + Label,
		"KIB=" + strconv.FormatInt(size/1024, 10), "FILES=" + strconv.Itoa(len(names)+16),
		// A UUID that follows from what the disk is made of (RFC 9562, version 5).
		"UUID=" + uuid.NewSHA1(uuid.NameSpaceOID, []byte(key)).String(),
		// The file system's own time, https://manpages.debian.org/mke2fs.
		"E2FSPROGS_FAKE_TIME=" + strconv.Itoa(then), "LC_ALL=C",
	}
	if err := command.Run(ctx, cmd); err != nil {
		return fmt.Errorf("making the data disk: %w", err)
	}
	return errors.Join(os.RemoveAll(stage), os.Remove(commands))
}

// inMounts runs a program that may mount what it likes and changes nothing for others.
func inMounts(name string, args ...string) command.Cmd {
	first := []string{"--mount"}
	if os.Geteuid() != 0 {
		first = append(first, "--map-root-user")
	}
	return command.Cmd{Name: "unshare", Args: append(append(first, name), args...)}
}

// then is the time of every file: 2000-01-01.
const then = 946684800

// fields are the commands by which debugfs forgets who made the files and when. names are
// those in the index's directory; the rest begins with "../".
func fields(names []string) string {
	var b strings.Builder
	set := func(path, mode string) {
		for _, field := range []string{"atime", "ctime", "mtime", "crtime"} {
			fmt.Fprintf(&b, "set_inode_field %s %s @%d\n", path, field, then)
		}
		for _, field := range []string{"atime_extra", "ctime_extra", "mtime_extra", "crtime_extra", "uid", "gid", "generation"} {
			fmt.Fprintf(&b, "set_inode_field %s %s 0\n", path, field)
		}
		fmt.Fprintf(&b, "set_inode_field %s mode %s\n", path, mode)
	}
	for _, dir := range []string{"/", "/index", "/lost+found"} {
		set(dir, "040755")
	}
	for _, name := range names {
		if small, ok := strings.CutPrefix(name, "../"); ok {
			set("/"+small, "0100644")
			continue
		}
		set("/index/"+name, "0100644")
	}
	return b.String()
}

// Words are how people name the data.
func (a About) Words() string {
	return fmt.Sprintf("%d documents, %s", a.GOlr.Documents, cmp.Or(manifest.Words(a.GOlr.Date, a.GOlr.DOI), "of an unknown date"))
}
