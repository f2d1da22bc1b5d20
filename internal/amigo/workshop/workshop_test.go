package workshop

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
)

func TestScript(t *testing.T) {
	dirs := []Dir{{At: "/srv/amigo", Host: "/h", Out: true}, {At: "/scratch"}, {At: "/srv/amigo/m", Host: "/m", Keep: "k/m"}}
	got := script(Task{Name: "build", Script: "echo 'hi'", Dirs: dirs, Env: []string{"A=b c"}})
	for _, want := range []string{
		"mkdir -p /var/tmp/amigo-workshop/build; tar --zstd -xf - -C /var/tmp/amigo-workshop/build\n",
		"unshare --mount --net sh -eu -c 'ip link set lo up\n",
		"mount --bind /var/tmp/amigo-workshop/build/0 /srv/amigo\n",
		"mount --bind /var/tmp/amigo-workshop/keep/k/m /srv/amigo/m\n",
		">&2 </dev/null\ntar --zstd -cf - -C /var/tmp/amigo-workshop/build/0 .\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := script(Task{Name: "npm", Network: true}); strings.Contains(got, "--net") || strings.Contains(got, "-cf") {
		t.Error(got)
	}
}

var when = time.Unix(1, 0)

// fake is a guest that gets a task's directories and answers with a tar.
type fake struct {
	answer func(io.Writer) error
	err    error
	dir    string
}

func (f *fake) Run(_ context.Context, c remote.Command) error {
	if c.Stdin == nil {
		_, _ = io.WriteString(c.Stdout, "v18")
		return nil
	}
	plain, err := remote.Decompress(c.Stdin)
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }()
	if err := fileset.ReadTar(plain, f.dir); err != nil {
		return err
	}
	_, _ = io.WriteString(c.Stderr, "working\nlast words\n")
	if f.answer != nil {
		if err := f.answer(c.Stdout); err != nil {
			return err
		}
	}
	return f.err
}

func TestInGuest(t *testing.T) {
	host := t.TempDir()
	if err := os.WriteFile(filepath.Join(host, "old"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	guest := &fake{dir: t.TempDir(), answer: func(w io.Writer) error {
		r := remote.Compress(func(z io.Writer) error {
			return fileset.WriteTar(z, []fileset.File{fileset.Text("/new", "new")}, when, nil)
		})
		_, err := io.Copy(w, r)
		return err
	}}
	shop, err := InGuest(t.Context(), guest)
	if err != nil || !shop.Remote() {
		t.Fatal(err)
	}
	task := Task{Name: "t", Dirs: []Dir{{At: "/a", Host: host, Out: true}}}
	if err := shop.Run(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(guest.dir, "0/old")); err != nil {
		t.Error("the guest did not get what it needs:", err)
	}
	entries, err := os.ReadDir(host)
	if err != nil || len(entries) != 1 || entries[0].Name() != "new" {
		t.Error("the result is not what the guest has:", entries, err)
	}

	guest.answer, guest.err = nil, errors.New("status 1")
	err = shop.Run(t.Context(), task)
	var failed *Error
	if !errors.As(err, &failed) || !strings.HasSuffix(failed.Output, "last words") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(host, "new")); err != nil {
		t.Error("a failed task removed what was there")
	}
}

func TestBecause(t *testing.T) {
	err := Because(&Error{Output: "a\nerror: the cause\nb"})
	if err.Error() != "the cause" {
		t.Error(err)
	}
	other := errors.New("x")
	if !errors.Is(Because(other), other) {
		t.Error("another error was changed")
	}
}
