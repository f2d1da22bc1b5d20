package workshop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
)

// room is where tasks work on a guest.
const room = "/var/tmp/amigo-workshop"

// inGuest is a workshop in a guest. A task sees its directories through mounts
// that nothing else on the guest sees, so that it works under the same paths
// as on the host without touching what the guest has there.
type inGuest struct {
	guest     remote.Runner
	toolchain string
}

// InGuest returns a workshop in a guest that has the packages it needs.
func InGuest(ctx context.Context, guest remote.Runner) (Workshop, error) {
	var versions strings.Builder
	err := guest.Run(ctx, remote.Command{Script: "node --version; perl -e 'print $]'", Stdout: &versions})
	if err != nil {
		return nil, fmt.Errorf("looking for what builds AmiGO in the guest: %w", err)
	}
	return &inGuest{guest: guest, toolchain: "guest " + versions.String()}, nil
}

func (w *inGuest) Toolchain() string { return w.toolchain }

func (w *inGuest) Remote() bool { return true }

func (w *inGuest) Close(ctx context.Context) error {
	return w.guest.Run(ctx, remote.Command{Script: "rm -rf " + room})
}

func (w *inGuest) Run(ctx context.Context, t Task) error {
	out, tail := watch(t.Output)
	in := remote.Compress(func(z io.Writer) error { return send(z, t) })
	defer func() { _ = in.Close() }()
	back, reply := io.Pipe()
	received := make(chan error, 1)
	go func() { received <- receive(back, t) }()
	err := w.guest.Run(ctx, remote.Command{Script: script(t), Stdin: in, Stdout: reply, Stderr: out})
	_ = reply.CloseWithError(orEOF(err))
	if got := <-received; err == nil {
		return got
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &Error{Task: t.Name, Output: tail.String(), Err: err}
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// send packs the directories' contents, each below its number.
func send(w io.Writer, t Task) error {
	all := fileset.Set{}
	for i, dir := range t.Dirs {
		if dir.Host == "" || dir.Keep != "" {
			continue
		}
		files, err := fileset.Tree(dir.Host, fmt.Sprintf("/%d", i), nil)
		if err != nil {
			return err
		}
		all.Add(files.Sorted()...)
	}
	return fileset.WriteTar(w, all.Sorted(), time.Now(), nil)
}

func receive(r *io.PipeReader, t Task) error {
	err := unpack(r, t)
	// Whatever went wrong, the guest must not be left with nobody to write to.
	_, _ = io.Copy(io.Discard, r)
	return err
}

func unpack(r io.Reader, t Task) error {
	for _, dir := range t.Dirs {
		if !returns(dir) {
			continue
		}
		if err := replace(r, dir.Host); err != nil {
			return fmt.Errorf("receiving the result of %s: %w", t.Name, err)
		}
	}
	return nil
}

// replace makes the content of the directory to what the stream holds. It
// waits for the stream's beginning: until then the directory is being sent.
func replace(stream io.Reader, to string) error {
	r := bufio.NewReader(stream)
	if _, err := r.Peek(1); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	plain, err := remote.Decompress(r)
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }()
	return fileset.ReadTar(plain, to)
}

func returns(dir Dir) bool { return dir.Out && dir.Host != "" && dir.Keep == "" }

// script is what runs a task on the guest: its directories come by standard
// input and the result, which is one directory, leaves by standard output.
func script(t Task) string {
	place := path.Join(room, t.Name)
	net, back := "--net ", ""
	if t.Network {
		net = ""
	}
	for i, dir := range t.Dirs {
		if returns(dir) {
			back = fmt.Sprintf("tar --zstd -cf - -C %s/%d .\n", place, i)
		}
	}
	return fmt.Sprintf("rm -rf %[1]s; mkdir -p %[1]s; tar --zstd -xf - -C %[1]s\n", place) +
		fmt.Sprintf("unshare --mount %ssh -eu -c %s >&2 </dev/null\n", net, shellescape.Quote(inside(t, place))) +
		back + "rm -rf " + place + "\n"
}

// inside is what is run where only the task sees the mounts.
func inside(t Task, place string) string {
	var b strings.Builder
	if !t.Network {
		b.WriteString("ip link set lo up\n")
	}
	for i, dir := range t.Dirs {
		from := fmt.Sprintf("%s/%d", place, i)
		if dir.Keep != "" {
			from = path.Join(room, "keep", dir.Keep)
		}
		fmt.Fprintf(&b, "mkdir -p %[1]s %[2]s; mount --bind %[1]s %[2]s\n", from, dir.At)
	}
	for _, pair := range t.Env {
		fmt.Fprintf(&b, "export %s\n", shellescape.Quote(pair))
	}
	fmt.Fprintf(&b, "cd /; exec sh -eu -c %s\n", shellescape.Quote(t.Script))
	return b.String()
}
