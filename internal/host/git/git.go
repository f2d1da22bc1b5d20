// Package git runs git on repositories that nobody has looked at. A repository's
// own configuration can name programs (hooks, filters, a file system monitor, a
// transport), so git never runs inside one that is not ours: see [View].
package git

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// protocols are the transports that a location may name. Others run programs
// (ext::) or whatever git-remote-NAME is in PATH.
const protocols = "file:git:http:https:ssh"

// always is set for every call: nothing asks a person, nothing of the
// repository runs, nothing is fetched that was not asked for.
var always = []string{
	"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "GIT_ALLOW_PROTOCOL=" + protocols,
	"GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0",
}

// harmless goes before every command.
var harmless = []string{
	"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never",
	"-c", "fetch.recurseSubmodules=false", "-c", "submodule.recurse=false", "-c", "safe.directory=*",
}

// misleading are variables that would point git at another repository, as they
// do inside a hook, or at a program.
var misleading = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_TEMPLATE_DIR",
}

// Fetch runs git in a directory of ours to reach another repository. The user's
// own configuration counts: it has their proxies and credentials.
func Fetch(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	return run(ctx, dir, env, args)
}

// Local runs git in a directory of ours, without anybody's configuration, so
// that it does the same on every host.
func Local(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	return run(ctx, dir, append([]string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1"}, env...), args)
}

func run(ctx context.Context, dir string, env, args []string) (string, error) {
	out, err := command.Output(ctx, command.Cmd{
		Name: "git", Dir: dir, Unset: misleading,
		Env: append(append([]string{}, always...), env...), Args: append(append([]string{}, harmless...), args...),
	})
	return strings.TrimSpace(string(out)), err
}

// scpLike is user@host:path, without a scheme.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^-]`)

// IsRemote tells whether a location is the address of a repository, and no path.
func IsRemote(location string) bool {
	return scpLike.MatchString(location) || strings.Contains(location, "://")
}

// CheckRemote says why git is not given an address, or nil.
func CheckRemote(location string) error {
	if scpLike.MatchString(location) {
		return nil
	}
	u, err := url.Parse(location)
	switch {
	case strings.HasPrefix(location, "-"):
		return errors.New("begins with a dash, which git would take for an option")
	case err != nil:
		return errors.New("is not an address")
	case !slices.Contains(strings.Split(protocols, ":"), u.Scheme):
		return fmt.Errorf("%s:// is not one of %s", u.Scheme, strings.ReplaceAll(protocols, ":", ", "))
	case strings.HasPrefix(u.Host, "-"), strings.HasPrefix(u.User.Username(), "-"):
		return errors.New("its host begins with a dash, which ssh would take for an option")
	case u.Host == "" && u.Scheme != "file":
		return errors.New("has no host")
	}
	return nil
}

// refName is what git allows in the name of a branch or tag, and a little less.
var refName = regexp.MustCompile(`^[^-\x00-\x20\x7f~^:?*\[\\][^\x00-\x20\x7f~^:?*\[\\]*$`)

// CheckRef says why a name can't be a branch, a tag or a commit, or nil.
func CheckRef(ref string) error {
	switch {
	case strings.HasPrefix(ref, "-"):
		return errors.New("begins with a dash, which git would take for an option")
	case !refName.MatchString(ref), strings.Contains(ref, ".."), strings.Contains(ref, "@{"), strings.HasSuffix(ref, "/"):
		return fmt.Errorf("%q can't be the name of a branch, a tag or a commit", ref)
	}
	return nil
}
