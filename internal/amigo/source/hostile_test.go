package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// traps are settings of a repository by which git runs a program. Each stands
// for a way in that git has: TRAP is the program.
var traps = map[string]string{
	"a file system monitor": "[core]\nfsmonitor = TRAP",
	"hooks":                 "[core]\nhooksPath = HOOKS",
	"an ssh command":        "[core]\nsshCommand = TRAP",
	"a proxy":               "[core]\ngitProxy = TRAP",
	"a filter":              "[filter \"trap\"]\nclean = TRAP\nsmudge = TRAP\nprocess = TRAP\nrequired = true",
	"a diff driver":         "[diff]\nexternal = TRAP\n[diff \"trap\"]\ntextconv = TRAP\ncommand = TRAP",
	"an included file":      "[include]\npath = ../included",
	"packing objects":       "[uploadpack]\npackObjectsHook = TRAP",
	"credentials":           "[credential]\nhelper = !TRAP",
	"a pager":               "[core]\npager = TRAP\neditor = TRAP\naskPass = TRAP",
	"signatures":            "[gpg]\nprogram = TRAP\n[log]\nshowSignature = true",
	"an alias":              "[alias]\nls-remote = !TRAP\nrev-list = !TRAP\ndiff = !TRAP",
	"a promisor":            "[remote \"origin\"]\npromisor = true\nurl = ext::TRAP\n[extensions]\npartialClone = origin",
	"another work tree":     "[core]\nworktree = /",
}

// trapped makes a repository of AmiGO whose configuration is a trap. What falls
// into it leaves the file canary.
func trapped(t *testing.T, config string) (dir, canary string) {
	t.Helper()
	dir, _ = history(t)
	put(t, dir, ".gitattributes", "* filter=trap diff=trap\n")
	put(t, dir, "sub/file", "x")
	run(t, dir, "git", "add", "-A")
	run(t, dir, "git", "commit", "-q", "-m", "second")
	canary = filepath.Join(t.TempDir(), "canary")
	trap := filepath.Join(t.TempDir(), "trap")
	program(t, trap, canary)
	for _, hook := range []string{"post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"} {
		program(t, filepath.Join(dir, ".git", "traps", hook), canary)
		program(t, filepath.Join(dir, ".git", "hooks", hook), canary)
	}
	included := strings.NewReplacer("TRAP", trap).Replace("[core]\nfsmonitor = TRAP\n")
	put(t, dir, "included", included)
	config = strings.NewReplacer("TRAP", trap, "HOOKS", filepath.Join(dir, ".git", "traps")).Replace(config)
	old, err := os.ReadFile(filepath.Join(dir, ".git", "config"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, ".git/config", string(old)+"\n"+config+"\n")
	// A file that has changed is looked at.
	put(t, dir, "install", "changed")
	return dir, canary
}

func program(t *testing.T, path, canary string) {
	t.Helper()
	put(t, filepath.Dir(path), filepath.Base(path), "#!/bin/sh\ntouch "+canary+"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func caught(t *testing.T, canary, how string) {
	t.Helper()
	if _, err := os.Stat(canary); err == nil {
		t.Errorf("%s: a program of the repository ran", how)
		_ = os.Remove(canary)
	}
}

func TestHostileRepositories(t *testing.T) {
	for name, config := range traps {
		t.Run(name, func(t *testing.T) {
			dir, canary := trapped(t, config)
			tree, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir})
			if err != nil || !strings.HasSuffix(tree.Commit, "-dirty") || len(tree.History) != 2 {
				t.Errorf("as a directory: %q, %d commits, %v", tree.Commit, len(tree.History), err)
			}
			caught(t, canary, "as a directory")
			for _, spec := range []Spec{{Location: dir, Ref: "main"}, {Location: "file://" + dir}} {
				tree, err := Get(t.Context(), cache.At(t.TempDir()), spec)
				if err != nil || len(tree.Commit) != 40 {
					t.Errorf("%+v: %q, %v", spec, tree.Commit, err)
				}
				caught(t, canary, spec.Location)
			}
		})
	}
}

// The traps catch git where it is called without care; else the test above
// would hold for no reason.
func TestTrapsWork(t *testing.T) {
	dir, canary := trapped(t, traps["a file system monitor"])
	run(t, dir, "git", "status")
	if _, err := os.Stat(canary); err != nil {
		t.Error("git status did not run the file system monitor")
	}
}

// A submodule is a repository of its own, with a configuration of its own.
func TestHostileSubmodule(t *testing.T) {
	dir, _ := history(t)
	sub, canary := trapped(t, traps["a file system monitor"])
	run(t, dir, "git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "file://"+sub, "module")
	run(t, dir, "git", "commit", "-q", "-m", "submodule")
	config, err := os.ReadFile(filepath.Join(sub, ".git", "config"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, ".git/modules/module/config", string(config))
	_ = os.Remove(canary)
	if _, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir}); err != nil {
		t.Error(err)
	}
	caught(t, canary, "in a submodule")
}

func TestHostileLocations(t *testing.T) {
	dir, _ := history(t)
	canary := filepath.Join(t.TempDir(), "canary")
	trap := filepath.Join(t.TempDir(), "trap")
	program(t, trap, canary)
	for _, test := range []struct{ location, ref, fault string }{
		{"--upload-pack=" + trap + "://x", "", "Source: "},
		{"--upload-pack=" + trap + "://x.git", "main", "Source: "},
		{"ext::sh -c " + trap + "://", "", "Source: "},
		{"ext://" + trap, "", "Source: ext:// is not one of"},
		{"ssh://-oProxyCommand=" + trap + "/x", "", "Source: "},
		{"ssh://-oProxyCommand=x@host/x", "", "Source: "},
		{"-oProxyCommand=x@host:path", "", "Source: "},
		{"file://" + dir, "--upload-pack=" + trap, "Source.Ref: begins with a dash"},
		{dir, "--upload-pack=" + trap, "Source.Ref: begins with a dash"},
		{dir, "main:refs/heads/x", "Source.Ref: "},
		{dir, "a..b", "Source.Ref: "},
		{dir, "a b", "Source.Ref: "},
		{dir, "a\nb", "Source.Ref: "},
	} {
		spec := Spec{Location: test.location, Ref: test.ref}
		if err := Validate(spec); err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%+v is valid: %v, want %q", spec, err, test.fault)
		}
		if _, err := Get(t.Context(), cache.At(t.TempDir()), spec); err == nil {
			t.Errorf("%+v was brought", spec)
		}
		caught(t, canary, test.location)
	}
}

// Links out of a source lead to files of the host.
func TestLinksOutOfASource(t *testing.T) {
	dir, _ := history(t)
	if err := os.Symlink("../../../etc/passwd", filepath.Join(dir, "conf", "passwd")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "git", "add", "-A")
	run(t, dir, "git", "commit", "-q", "-m", "link")
	for _, spec := range []Spec{{Location: dir}, {Location: "file://" + dir}} {
		_, err := Get(t.Context(), cache.At(t.TempDir()), spec)
		if out := (*LinkError)(nil); !errors.As(err, &out) || len(out.Links) != 1 {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

// Inside a hook, git's variables name another repository.
func TestInsideAHook(t *testing.T) {
	dir, commit := history(t)
	other, _ := history(t)
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(other, ".git", "index"))
	for _, spec := range []Spec{{Location: dir}, {Location: "file://" + dir}} {
		if tree, err := Get(t.Context(), cache.At(t.TempDir()), spec); err != nil || tree.Commit != commit {
			t.Errorf("%+v: %q, %v", spec, tree.Commit, err)
		}
	}
}

// A work tree of its own has a file where others have the directory .git.
func TestLinkedWorkTree(t *testing.T) {
	dir, commit := history(t)
	linked := filepath.Join(t.TempDir(), "linked")
	run(t, dir, "git", "worktree", "add", "-q", "--detach", linked)
	tree, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: linked})
	if err != nil || tree.Commit != commit || len(tree.History) != 1 {
		t.Errorf("%+v, %v", tree, err)
	}
}
