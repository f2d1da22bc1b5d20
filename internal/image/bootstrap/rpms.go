package bootstrap

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // rpms.sh
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// rpms is an archive of RPM packages.
type rpms struct{ tool tool }

// tool is a program that resolves and installs RPM packages. Its scripts get the names of
// packages as arguments, and in variables: ROOT, the directory that they are for, WORK, one
// of their own, and RELEASE, ARCH and KEYS of the distribution.
type tool interface {
	// files are those that the scripts read in WORK, by their names.
	files(session) map[string]string
	// resolve is the script that prints what would be installed, or what there is not.
	resolve() string
	// parse reads what that printed.
	parse(out []byte) (packages []Package, lacking []string, err error)
	// install is the script that installs.
	install() string
}

// session is one use of a tool.
type session struct {
	guest
	repositories []repository
	work         string // a directory for its time
	cache        string // what was downloaded, kept
}

// repository is a line of the sources.
type repository struct {
	name, address string
	keys          []string
}

// line is a repository as a line of the sources.
func (r repository) line() string {
	return strings.Join(append([]string{r.name, r.address}, r.keys...), " ")
}

func parseRepository(line string) repository {
	words := strings.Fields(line)
	return repository{name: words[0], address: words[1], keys: words[2:]}
}

func (rpms) sources(_ context.Context, s Spec) ([]string, error) {
	g, err := s.guest()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range g.repositories(s) {
		for _, key := range r.keys {
			if _, err := os.Stat(key); err != nil {
				return nil, &command.MissingError{Name: key, Package: g.Keyring.Package}
			}
		}
		lines = append(lines, r.line())
	}
	return lines, nil
}

// repositories are those of the release, where a spec has no others.
func (g guest) repositories(s Spec) []repository {
	from := strings.TrimSuffix(cmp.Or(s.Mirror, g.Archive), "/")
	fill := strings.NewReplacer("{release}", g.release.Name, "{arch}", g.rpmArchitecture())
	var all []repository
	for _, r := range g.Repositories {
		address := cmp.Or(s.Repositories[r.Name], fill.Replace(strings.ReplaceAll(r.Address, "{archive}", from)))
		var keys []string
		for _, key := range r.Keys {
			keys = append(keys, fill.Replace(strings.ReplaceAll(key, "{keyring}", g.Keyring.File)))
		}
		all = append(all, repository{name: r.Name, address: address, keys: keys})
	}
	return all
}

func (r rpms) recipe(g guest) string {
	parts := []string{rpmsScript, macros, r.tool.install(), g.Boot.Initrd, g.release.RPMs}
	files := r.tool.files(session{guest: g})
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, name, files[name])
	}
	return cache.Key(parts...)
}

func (r rpms) resolve(ctx context.Context, c cache.Dir, plan Resolution) ([]Package, error) {
	packages, err := plan.Spec.packages()
	if err != nil {
		return nil, err
	}
	s, end, err := r.begin(ctx, c, plan)
	if err != nil {
		return nil, err
	}
	defer end()
	var out bytes.Buffer
	cmd := userns.Command("sh", append([]string{"-eu", "-c", r.tool.resolve(), "sh"}, packages...)...)
	cmd.Env, cmd.Stdout = s.environment(), &out
	failed := command.Run(ctx, cmd)
	found, lacking, err := r.tool.parse(out.Bytes())
	name := s.Title + " " + s.release.Name
	exit := (*command.ExitError)(nil)
	switch {
	case len(lacking) > 0:
		return nil, &LacksError{Release: name, Architecture: s.architecture, Packages: lacking, Err: failed}
	case errors.As(failed, &exit) && exit.Code == unsolvable:
		return nil, fmt.Errorf("the packages of %s do not fit together: %w", name, failed)
	case exit != nil:
		return nil, &UnreachableError{Release: name, Err: failed}
	case failed != nil:
		return nil, failed
	}
	return found, err
}

// rpmsScript runs a tool's script in a root file system that looks like that of a machine
// to the packages' own scripts, and packs it.
//
//go:embed rpms.sh
var rpmsScript string

func (r rpms) rootFS(ctx context.Context, c cache.Dir, plan Resolution, dir string, phase *event.Phase) error {
	packages, err := plan.Spec.packages()
	if err != nil {
		return err
	}
	s, end, err := r.begin(ctx, c, plan)
	if err != nil {
		return err
	}
	defer end()
	out := event.NewLines(phase.Detail)
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", rpmsScript, "sh", r.tool.install()}
	cmd := userns.Command("unshare", append(args, packages...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(s.environment(), "TARGET="+filepath.Join(dir, rootFSName), "INITRD="+s.Boot.Initrd)
	err = command.Run(ctx, cmd)
	_ = out.Close()
	if err != nil {
		return fmt.Errorf("bootstrapping %s %s: %w", s.Title, s.release.Name, err)
	}
	return nil
}

// macros are those of RPM: where its database is, and that /proc and /sys, which are those
// of the host's kernel, stay as they are, although a package has them.
const macros = "%%_dbpath %s\n%%_netsharedpath /proc:/sys\n"

// unsolvable is how resolve.py ends if packages do not fit together.
const unsolvable = 9

// begin makes what a tool needs. No two use the same cache at the same time.
func (r rpms) begin(ctx context.Context, c cache.Dir, plan Resolution) (s session, end func(), err error) {
	if s.guest, err = plan.Spec.guest(); err != nil {
		return s, nil, err
	}
	for _, program := range []string{s.Manager.Name, "rpm"} {
		if _, err := command.Look(program); err != nil {
			return s, nil, err
		}
	}
	for _, line := range plan.Sources {
		s.repositories = append(s.repositories, parseRepository(line))
	}
	unlock, err := c.Lock(ctx, "rpms")
	if err != nil {
		return s, nil, err
	}
	work, err := scratch.New(firstOpen([]string{os.Getenv("TMPDIR"), spacious}), "rpms")
	if err != nil {
		unlock()
		return s, nil, err
	}
	end = func() { work.Close(); unlock() }
	s.work = work.Path()
	s.cache, _, err = c.Get(ctx, "rpms", cache.Key(append([]string{s.architecture}, plan.Sources...)...), func(string) error { return nil })
	files := r.tool.files(s)
	files[".rpmmacros"] = fmt.Sprintf(macros, s.release.RPMs)
	for name, text := range files {
		err = errors.Join(err, os.MkdirAll(filepath.Dir(work.Path(name)), 0o755), os.WriteFile(work.Path(name), []byte(text), 0o644))
	}
	if err != nil {
		end()
		return s, nil, fmt.Errorf("making the configuration of %s: %w", s.Manager.Name, err)
	}
	return s, end, nil
}

func (s session) environment() []string {
	var keys []string
	for _, r := range s.repositories {
		keys = append(keys, r.keys...)
	}
	slices.Sort(keys)
	return []string{
		"HOME=" + s.work, "WORK=" + s.work, "CACHE=" + s.cache, "ROOT=" + filepath.Join(s.work, "root"),
		"RELEASE=" + s.release.Name, "ARCH=" + s.rpmArchitecture(), "KEYS=" + strings.Join(slices.Compact(keys), " "),
		// Debian's RPM warns of what is wanted here: packages of another system.
		"RPM_FORCE_DEBIAN=1", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

// file is a repository as dnf and zypper read it.
func (r repository) file() string {
	var keys []string
	for _, key := range r.keys {
		keys = append(keys, "file://"+key)
	}
	return fmt.Sprintf("[%[1]s]\nname=%[1]s\nbaseurl=%s\nenabled=1\ngpgcheck=1\ngpgkey=%s\n", r.name, r.address, strings.Join(keys, " "))
}
