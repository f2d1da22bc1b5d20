package bootstrap

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox/sandboxtest"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// fakeMmdebstrap puts a program in the place of mmdebstrap, which takes minutes
// and an archive of real packages.
func fakeMmdebstrap(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "mmdebstrap")
	write(t, path, "#!/bin/sh\nset -eu\n"+script)
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestRootFS: the tar is what mmdebstrap makes of the plan's sources and
// packages, once, and mmdebstrap's temporary files go.
func TestRootFS(t *testing.T) {
	fakeMmdebstrap(t, `
for sources; do target=${before-}; before=$sources; done
{ for arg; do echo "arg $arg"; done; sed 's/^/source /' "$sources"; echo "tmp $TMPDIR $LC_ALL"; } >"$target"
touch "$TMPDIR/left"
echo "I: working" >&2`)
	store, sink := cache.At(t.TempDir()), new(log)
	phase := event.Start(sink, "base", "")
	p := plan(t)
	p.Sources, p.Spec.Packages = append(p.Sources, "deb http://deb.example/debian bookworm-updates main"), []string{"apache2"}
	tar, cached, err := RootFS(t.Context(), store, p, phase)
	if err != nil || cached {
		t.Fatal(cached, err)
	}
	content, err := os.ReadFile(tar)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	for _, want := range []string{
		"arg --variant=apt", "arg --architectures=amd64", "arg bookworm", "arg --include=" + strings.Join(packagesOf(t, p.Spec), ","),
		"source " + p.Sources[0], "source " + p.Sources[1],
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %q in %q", want, lines)
		}
	}
	tmp := lines[slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "tmp ") })]
	if !strings.Contains(tmp, "/amigo-image-mmdebstrap-") || !strings.HasSuffix(tmp, " C") {
		t.Errorf("its environment is %q", tmp)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(tar), "amigo-image-*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if !sink.has(event.Detail, "I: working") {
		t.Error("the log does not have what mmdebstrap said")
	}
	if again, cached, err := RootFS(t.Context(), store, p, phase); err != nil || !cached || again != tar {
		t.Errorf("the second time: %s, %v, %v", again, cached, err)
	}
}

func TestRootFSFails(t *testing.T) {
	fakeMmdebstrap(t, "for last; do :; done; echo x >\"${last%sources.list}rootfs.tar\"; echo 'E: no space for rent' >&2; exit 9")
	store := cache.At(t.TempDir())
	tar, _, err := RootFS(t.Context(), store, plan(t), event.Start(event.Discard, "base", ""))
	var exit *command.ExitError
	if !errors.As(err, &exit) || exit.Code != 9 || !strings.HasPrefix(err.Error(), "bootstrapping bookworm: ") || !strings.HasSuffix(err.Error(), "E: no space for rent") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(tar); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a tar is there: %v", err)
	}
}

// TestArgumentsAreUnderstood lets mmdebstrap itself read what it is given, and
// go as far as it does without installing anything: it finds the packages in the
// plan's archive, and fails without them.
func TestArgumentsAreUnderstood(t *testing.T) {
	p, dir := plan(t), t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // apt may be somebody else
		t.Fatal(err)
	}
	list := filepath.Join(dir, "sources.list")
	write(t, list, strings.Join(newArchive(t, filepath.Join(dir, "archive"), "1"), "\n")+"\n")
	for name, want := range map[string]string{"sudo": "", "misspelt": "Unable to locate package misspelt"} {
		p.Spec.Packages = []string{name}
		err := command.Run(t.Context(), command.Cmd{
			Name: "mmdebstrap", Args: append([]string{"--simulate"}, mmdebstrapArgs(p.Spec, packagesOf(t, p.Spec), filepath.Join(dir, "rootfs.tar"), list)...),
			Env: []string{"LC_ALL=C"},
		})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("with a package %q: %v", name, err)
		}
	}
}

// TestChangelogs: of the packages' changelogs an image keeps the versions and
// the vulnerabilities that they name, those of Debian before those of others.
func TestChangelogs(t *testing.T) {
	tar := sandboxtest.RootFS(t, []string{"sh", "mkdir", "grep", "gzip", "find", "cat"}, map[string]string{
		"/usr/bin/zcat":                             "#!/bin/sh\ncat \"$1\"\n", // the files are not compressed
		"/usr/bin/dpkg-query":                       "#!/bin/sh\necho 'bash 5.2-1'\necho 'other 1-1'\necho 'silent 2'\n",
		"/usr/share/doc/bash/changelog.Debian.gz":   "bash (5.2-1) unstable; urgency=low\n\n  * Fixes CVE-2022-0001 and CVE-2022-00022.\n",
		"/usr/share/doc/bash/changelog.gz":          "CVE-1999-0001 of the authors\n",
		"/usr/share/doc/bash/copyright":             "free",
		"/usr/share/doc/other/changelog.gz":         "other (1-1) unstable\n",
		"/usr/share/doc/silent/changelog.Debian.gz": "nothing that matters\n",
		"/usr/share/doc/uninstalled/changelog.gz":   "nobody's\n",
	})
	dir := t.TempDir()
	output(t, "tar", "-C", dir, "-xf", tar)
	if err := command.Run(t.Context(), userns.Command("sh", "-c", changelogs, "sh", dir)); err != nil {
		t.Fatal(err)
	}
	got := output(t, "zcat", filepath.Join(dir, "usr/share/amigo-image/changelogs.gz"))
	if want := "@bash 5.2-1\nbash (5.2-1)\nCVE-2022-0001\nCVE-2022-00022\n@other 1-1\nother (1-1)\n@silent 2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	left := output(t, "find", filepath.Join(dir, "usr/share/doc"), "-mindepth", "1", "-printf", "%P\n")
	if left != "bash\nbash/copyright\n" {
		t.Errorf("left in its documents: %q", left)
	}
}
