package address

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Location is where a repository is: in a directory, or where a URL says. Who
// reads and who publishes take the same for a directory.
type Location struct {
	Dir string   // path, perhaps a relative one; "" if it is not a directory
	URL *url.URL // with a host; nil if it is a directory
}

// InvalidError says why something is not an address, and what was probably meant.
type InvalidError struct {
	Given string // may hold a secret
	Why   string
	Meant string // or ""; may hold a secret, too
}

func (e *InvalidError) Error() string {
	return Shown(e.Given) + " is not the address of a repository: " + e.Reason()
}

// Fault implements [fault.Reporter].
func (e *InvalidError) Fault() fault.Report {
	r := fault.Report{What: Shown(e.Given) + " is not the address of a repository", Where: e.Reason(), Code: fault.Usage}
	if e.Meant != "" {
		r.Try = fault.To(fault.Instead, e.Given, e.Meant)
	}
	return r
}

// Reason returns why it is none, and what is meant.
func (e *InvalidError) Reason() string {
	if e.Meant == "" {
		return e.Why
	}
	return e.Why + "; is " + Shown(e.Meant) + " meant?"
}

var (
	windows = regexp.MustCompile(`^/?[A-Za-z]:[\\/]|^\\\\`)
	short   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):(.*)$`)
)

// meant is what of the schemes is meant that people write without slashes.
var meant = map[string]string{
	"http": "http", "https": "https", "s3": "s3", "gs": "gs", "gcs": "gs", "azblob": "azblob", "az": "azblob",
	"ftp": "", "sftp": "", "ssh": "", "scp": "", "rsync": "", "git": "", "nfs": "", "smb": "", "dav": "", "webdav": "",
}

// Parse reads the address of a repository: a path, a file URL as RFC 8089 has it,
// or another URL. A path that looks like an address begins with "./".
func Parse(given string) (Location, error) {
	refused := func(why, meant string) (Location, error) {
		return Location{}, &InvalidError{Given: given, Why: why, Meant: meant}
	}
	parts := short.FindStringSubmatch(given)
	switch {
	case given == "":
		return refused("it is empty", "")
	case windows.MatchString(given):
		return refused("that is a path of Windows, and the program does not run there", "")
	case login.MatchString(given):
		return refused("a repository is not reached over ssh", "")
	case strings.Contains(given, "://"):
		return parseURL(given)
	case parts == nil:
		return Location{Dir: given}, nil
	}
	scheme, rest := strings.ToLower(parts[1]), parts[2]
	if scheme == "file" {
		if strings.HasPrefix(rest, "/") {
			return parseURL("file://" + rest)
		}
		return refused("a file URL has a whole path", fileURL(rest))
	}
	known, is := meant[scheme]
	switch {
	case !is:
		return Location{Dir: given}, nil
	case known == "" || strings.Trim(rest, "/") == "":
		return refused("it lacks //, or ./ before it if it is a directory", "")
	default:
		return refused("it lacks //", known+"://"+strings.TrimLeft(rest, "/"))
	}
}

// fileURL is the URL of a path, or "".
func fileURL(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil || path == "" {
		return ""
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(whole)}).String()
}

func parseURL(given string) (Location, error) {
	u, err := url.Parse(given)
	switch {
	case err != nil:
		// The library's error says a part of what may be a password.
		return Location{}, &InvalidError{Given: given, Why: "it cannot be read as a URL (in a password, / is written %2F, and @ %40)"}
	case u.Scheme == "file":
		return parseFile(given, u)
	case u.Hostname() == "" && u.Scheme != "mem": // a store of tests
		return Location{}, &InvalidError{Given: given, Why: "it names no host"}
	case u.Port() != "" && !isPort(u.Port()):
		return Location{}, &InvalidError{Given: given, Why: "its port is not a number from 1 to 65535"}
	}
	return Location{URL: u}, nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// parseFile reads a file URL: its host is this one, and its path is decoded.
func parseFile(given string, u *url.URL) (Location, error) {
	wrong := &InvalidError{Given: given}
	switch {
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		wrong.Why = "a file URL has no login, no query and no fragment (? is written %3F, and # %23)"
	case u.Host != "" && !strings.EqualFold(u.Host, "localhost"):
		wrong.Why, wrong.Meant = "a file URL has three slashes", "file:///"+u.Host+u.EscapedPath()
	case strings.Trim(u.Path, "/") == "" && u.Path != "/":
		wrong.Why = "it names no directory"
	case windows.MatchString(u.Path):
		wrong.Why = "that is a path of Windows, and the program does not run there"
	case strings.ContainsRune(u.Path, 0):
		wrong.Why = "no path has a byte of zero"
	default:
		return Location{Dir: filepath.FromSlash(u.Path)}, nil
	}
	return Location{}, wrong
}
