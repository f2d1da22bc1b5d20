package compress

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/pgzip"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// format is what a file is written in.
type format struct {
	ending   string      // of the compression, or ""
	compress compression // nil: none
	archive  archive     // nil: the file is one file's content
}

// compression starts to compress what is written to w. Level 0 is its own default.
type compression func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error)

// archive writes files, one after the other.
type archive func(ctx context.Context, w io.Writer, level int, files []string) error

var compressions = map[string]compression{
	".gz": toGzip, ".bgzf": toBGZF, ".bz2": toBzip2, ".bzip2": toBzip2, ".lz4": toLZ4, ".xz": toXZ,
}

// formatOf returns what the end of a name says, or a .tar.gz and that it says nothing.
func formatOf(name string) (f format, known bool) {
	ending := filepath.Ext(name)
	switch ending {
	case ".zip":
		return format{archive: writeZip}, true
	case ".tar":
		return format{archive: writeTar}, true
	}
	if compress, ok := compressions[ending]; ok {
		f = format{ending: ending, compress: compress}
		if filepath.Ext(strings.TrimSuffix(name, ending)) == ".tar" {
			f.archive = writeTar
		}
		return f, true
	}
	return format{ending: ".gz", compress: toGzip, archive: writeTar}, ending == ".tgz"
}

// write writes files in the format.
func (f format) write(ctx context.Context, w io.Writer, level int, files []string) error {
	if f.compress != nil {
		compressed, err := f.compress(ctx, w, max(level, 0))
		if err != nil {
			return err
		}
		err = f.content(ctx, compressed, level, files)
		return errors.Join(err, compressed.Close())
	}
	return f.content(ctx, w, level, files)
}

func (f format) content(ctx context.Context, w io.Writer, level int, files []string) error {
	if f.archive != nil {
		return f.archive(ctx, w, max(level, 0), files)
	}
	return copyFile(ctx, w, files[0])
}

func copyFile(ctx context.Context, w io.Writer, name string) error {
	f, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(w, component.Until(ctx, f)); err != nil {
		return fmt.Errorf("compressing %s: %w", name, err)
	}
	return nil
}

// writeTar gives each file its name without directories, as Packer does.
func writeTar(ctx context.Context, w io.Writer, _ int, files []string) error {
	archive := tar.NewWriter(w)
	for _, name := range files {
		if err := addToTar(ctx, archive, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func addToTar(ctx context.Context, archive *tar.Writer, name string) error {
	f, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return fmt.Errorf("compressing %s: %w", name, err)
	}
	header.Format = tar.FormatGNU // of all formats with large files, the one that most programs read
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("compressing %s: %w", name, err)
	}
	if _, err := io.Copy(archive, component.Until(ctx, f)); err != nil {
		return fmt.Errorf("compressing %s: %w", name, err)
	}
	return nil
}

// writeZip keeps the directories of a file's name, as Packer does, as far as they lead
// down.
func writeZip(ctx context.Context, w io.Writer, level int, files []string) error {
	archive := zip.NewWriter(w)
	if level > 0 {
		archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) })
	}
	for _, name := range files {
		within := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
		to, err := archive.Create(within)
		if err != nil {
			return fmt.Errorf("compressing %s: %w", name, err)
		}
		if err := copyFile(ctx, to, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func toGzip(_ context.Context, w io.Writer, level int) (io.WriteCloser, error) {
	if level == 0 {
		level = pgzip.DefaultCompression
	}
	z, err := pgzip.NewWriterLevel(w, level)
	if err != nil {
		return nil, err
	}
	return z, z.SetConcurrency(1<<20, runtime.GOMAXPROCS(0))
}

func toLZ4(_ context.Context, w io.Writer, level int) (io.WriteCloser, error) {
	levels := []lz4.CompressionLevel{
		lz4.Fast, lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9,
	}
	z := lz4.NewWriter(w)
	return z, z.Apply(lz4.CompressionLevelOption(levels[level]), lz4.ConcurrencyOption(runtime.GOMAXPROCS(0)))
}

// toXZ has no levels, as in Packer.
func toXZ(_ context.Context, w io.Writer, _ int) (io.WriteCloser, error) { return xz.NewWriter(w) }

// toBzip2 has the host's program compress: no library that is looked after writes it.
func toBzip2(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
	if level == 0 {
		level = 9
	}
	read, write := io.Pipe()
	program, err := command.Start(ctx, command.Cmd{Name: "bzip2", Args: []string{"-z", "-c", "-" + strconv.Itoa(level)}, Stdin: read, Stdout: w})
	if err != nil {
		return nil, err
	}
	go func() { // a writer does not wait for a program that has ended
		<-program.Done()
		_ = read.CloseWithError(errors.New("bzip2 has ended"))
	}()
	return &piped{PipeWriter: write, wait: program.Wait}, nil
}

// piped writes to a program, and waits for its end.
type piped struct {
	*io.PipeWriter
	wait func() error
}

func (p *piped) Close() error { return errors.Join(p.PipeWriter.Close(), p.wait()) }
