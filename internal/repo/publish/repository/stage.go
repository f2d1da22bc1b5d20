package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// staged is a file that waits to be uploaded.
type staged struct {
	manifest.File
	path    string // on this host, or "":
	content []byte
}

func (s staged) open() (io.ReadCloser, error) {
	if s.path == "" {
		return io.NopCloser(bytes.NewReader(s.content)), nil
	}
	return regular.Open(s.path)
}

func stagedContent(name string, role manifest.Role, content []byte) staged {
	file := manifest.File{Name: name, Role: role, Size: int64(len(content)), SHA256: manifest.Digest(content)}
	return staged{File: file, content: content}
}

// suffixes are the ends of the published names of an image's files, by role.
var suffixes = map[manifest.Role]string{
	manifest.Disk:       ".qcow2",
	layout.Chunks:       ".raw.zst",
	layout.Index:        ".chunks",
	layout.ImageFacts:   ".manifest.json",
	manifest.BootReport: ".boot-test.json",
	manifest.Screenshot: ".screen.png",
}

func nameOf(product, version string, one image, file manifest.File) string {
	suffix, ok := suffixes[file.Role]
	if !ok {
		suffix = "." + file.Name
	}
	return layout.FileName(product, version, one.variant(), suffix)
}

// stage makes the files of a version out of its images. The same images give
// the same files, whoever does it and whenever. An image that a version has already stays
// there: v then names that version's files.
func (r *Repository) stage(ctx context.Context, product, version string, known library, images []image, temporary *scratch.Dir) (layout.VersionManifest, []staged, error) {
	v := layout.VersionManifest{Schema: layout.Schema, Product: product, Version: version}
	var files []staged
	for _, one := range images {
		if one.facts.Created.After(v.Created) {
			v.Created = one.facts.Created.UTC().Truncate(time.Second)
		}
		v.GOlr, v.Tool = one.facts.GOlr, one.facts.Tool
		if one.hasSystem() {
			v.AmiGO = one.facts.AmiGO
		}
		if lent, its, there := known.lend(one); there {
			v.Images, v.Files = append(v.Images, lent), append(v.Files, its...)
			r.Sink.Emit(event.Event{Type: event.Message, Text: fmt.Sprintf("%s is the one of %s: it is not published again", one.variant(), lent.In)})
			continue
		}
		described, own, err := r.stageImage(ctx, product, version, one, temporary)
		if err != nil {
			return v, nil, err
		}
		files = append(files, own...)
		v.Images = append(v.Images, described)
	}
	// What people ask for comes first.
	slices.SortStableFunc(v.Images, func(a, b layout.Image) int { return layout.DataLast(a.Variant, b.Variant) })
	// Of several processors the first is told, which amd64 is where there is one.
	if first := slices.IndexFunc(images, image.hasSystem); first >= 0 {
		v.System = images[first].facts.System
		v.System.Architecture = ""
	}
	return v, files, nil
}

func (r *Repository) stageImage(ctx context.Context, product, version string, one image, temporary *scratch.Dir) (layout.Image, []staged, error) {
	described := layout.Image{
		Variant: one.variant(), Packages: one.facts.Packages.Count, BootTest: one.facts.BootTest,
		Data: one.data(), Files: map[manifest.Role]string{},
	}
	var files []staged
	for _, file := range one.facts.Files {
		path := filepath.Join(one.dir, file.Name)
		file.Name = nameOf(product, version, one, file)
		files = append(files, staged{File: file, path: path})
	}
	disk, cut, err := r.cut(ctx, product, version, one, temporary)
	if err != nil {
		return described, nil, err
	}
	described.Disk = disk
	facts := manifest.File{Role: layout.ImageFacts}
	files = append(files, append(cut, stagedContent(nameOf(product, version, one, facts), facts.Role, one.raw))...)
	for _, file := range files {
		described.Files[file.Role] = file.Name
	}
	return described, files, nil
}

// cut makes the chunks of an image's disk and their index.
func (r *Repository) cut(ctx context.Context, product, version string, one image, temporary *scratch.Dir) (layout.Disk, []staged, error) {
	phase := event.Start(r.Sink, "chunks", one.variant())
	name := func(role manifest.Role) string {
		return layout.FileName(product, version, one.variant(), suffixes[role])
	}
	frames := staged{File: manifest.File{Name: name(layout.Chunks), Role: layout.Chunks}, path: temporary.Path(name(layout.Chunks))}
	chunks := staged{File: manifest.File{Name: name(layout.Index), Role: layout.Index}, path: temporary.Path(name(layout.Index))}
	index, err := cutDisk(ctx, one, frames.path, chunks.path, temporary.Path("disk.raw"), phase)
	if err != nil {
		return layout.Disk{}, nil, phase.End("", "", err)
	}
	frames.Size, frames.SHA256 = index.Frames.Size, index.Frames.SHA256.String()
	chunks.Size, chunks.SHA256 = index.Self.Size, index.Self.SHA256.String()
	return layout.Disk{Size: index.Disk.Size, SHA256: index.Disk.SHA256.String()}, []staged{frames, chunks},
		phase.End(event.OK, fmt.Sprintf("%s, %d chunks, %s", one.variant(), index.Chunks, bytesize.Of(frames.Size)), index.Close())
}

// cutDisk writes the frames of a disk and their index, by way of a raw disk that
// goes as soon as it was read.
func cutDisk(ctx context.Context, one image, frames, chunks, raw string, phase *event.Phase) (index *chunk.Index, err error) {
	defer func() {
		if gone := os.Remove(raw); gone != nil && err == nil {
			err = fmt.Errorf("removing a temporary disk: %w", gone)
		}
	}()
	conversion := qemuimg.Conversion{Source: filepath.Join(one.dir, one.disk.Name), SourceFormat: "qcow2", Target: raw, TargetFormat: "raw"}
	// The raw disk and its frames take about as long.
	if err := qemuimg.Convert(ctx, conversion, func(permille int64) { phase.Progress(permille/2, 1000, event.Permille) }); err != nil {
		return nil, err
	}
	disk, err := regular.Open(raw)
	if err != nil {
		return nil, fmt.Errorf("cutting a disk: %w", err)
	}
	defer func() { _ = disk.Close() }()
	out, err := os.Create(frames)
	if err != nil {
		return nil, fmt.Errorf("cutting a disk: %w", err)
	}
	to, err := os.Create(chunks)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cutting a disk: %w", err), out.Close())
	}
	index, err = chunk.Write(ctx, disk, filepath.Base(frames), out, to, func(done, total int64) {
		phase.Progress(500+500*done/max(total, 1), 1000, event.Permille)
	})
	if err := errors.Join(err, out.Close()); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	return index, nil
}

// filesIn describes files as a manifest does.
func filesIn(files []staged) []manifest.File {
	var all []manifest.File
	for _, file := range files {
		all = append(all, file.File)
	}
	return all
}

// describe completes the files of a version: its manifest, and checksums for
// people.
func (r *Repository) describe(v layout.VersionManifest, files []staged) ([]staged, error) {
	v.Files = slices.Concat(v.Files, filesIn(files))
	content, err := v.Encode()
	if err != nil {
		return nil, err
	}
	description := stagedContent(layout.ManifestFile, "", content)
	sums := []manifest.Sum{{SHA256: description.SHA256, Name: description.Name}}
	for _, file := range files {
		sums = append(sums, manifest.Sum{SHA256: file.SHA256, Name: file.Name})
	}
	text := []byte(manifest.FormatSums(sums))
	comment := fmt.Sprintf("%s %s, built %s", v.Product, v.Version, v.Created.UTC().Format(time.RFC3339))
	signature, err := r.ring.Minisign(text, comment)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(files), description,
		stagedContent(layout.SumsFile, "", text), stagedContent(layout.SignatureFile, "", signature)), nil
}
