package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Releases is where plugins are published.
type Releases interface {
	// Versions returns the names of the plugin's versions, such as "1.1.5" or "v1.1.5".
	// It returns an error that is [io/fs.ErrNotExist] if there is no such plugin.
	Versions(ctx context.Context, source string) ([]string, error)
	// Fetch returns a file of a version, named as the releases do. It returns an error
	// that is [io/fs.ErrNotExist] if there is no such file.
	Fetch(ctx context.Context, source, version, file string, limit int64) ([]byte, error)
}

// maxList is how many bytes a list of versions or of checksums may have.
const maxList = 16 << 20

// program is what the names of a plugin's files begin with: "packer-plugin-qemu".
func program(source string) string { return "packer-plugin-" + path.Base(source) }

// sumsOf is the name of the file with the checksums of a version.
func sumsOf(source, version string) string { return program(source) + "_" + version + "_SHA256SUMS" }

// GitHub is where most plugins are published: as releases of a repository on GitHub, or
// on a server of its kind.
//
// Source: https://docs.github.com/en/rest/git/refs#list-matching-references
type GitHub struct {
	API   string // its address, such as "https://api.github.com"
	Site  string // the address of the pages, such as "https://github.com"
	Token string // of whoever asks, for the API alone; "" is nobody
}

// Versions returns the repository's tags.
func (g GitHub) Versions(ctx context.Context, source string) ([]string, error) {
	api, err := origin.OpenAs(g.API, g.Token)
	if err != nil {
		return nil, err
	}
	content, err := api.Fetch(ctx, "repos/"+repository(source)+"/git/matching-refs/tags", maxList)
	if err != nil {
		return nil, g.refusal(err)
	}
	var tags []struct {
		Ref string `json:"ref"`
	}
	if err := json.Unmarshal(content, &tags); err != nil {
		return nil, fmt.Errorf("reading the versions of %s: %w", source, err)
	}
	var versions []string
	for _, tag := range tags {
		versions = append(versions, strings.TrimPrefix(tag.Ref, "refs/tags/"))
	}
	return versions, nil
}

// refusal returns err, or a [*RefusedError] if GitHub does not want to answer.
func (g GitHub) refusal(err error) error {
	status, ok := errors.AsType[*origin.StatusError](err)
	if ok && (status.Code == http.StatusForbidden || status.Code == http.StatusTooManyRequests) {
		return &RefusedError{URL: status.URL, Code: status.Code, Anonymous: g.Token == "", Err: err}
	}
	return err
}

// repository is the repository of a source, "hashicorp/packer-plugin-qemu".
func repository(source string) string {
	parts := strings.Split(source, "/")
	return path.Join(path.Join(parts[1:len(parts)-1]...), program(source))
}

// Fetch returns a file that a release has.
func (g GitHub) Fetch(ctx context.Context, source, version, file string, limit int64) ([]byte, error) {
	site, err := origin.Open(g.Site)
	if err != nil {
		return nil, err
	}
	return site.Fetch(ctx, path.Join(repository(source), "releases/download", version, file), limit)
}

// RefusedError says that GitHub does not want to answer. Mostly too many have asked from
// the same address without a token.
//
// Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
type RefusedError struct {
	URL       string
	Code      int  // HTTP status
	Anonymous bool // asked without a token
	Err       error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v (%s)", e.Err, e.Advice())
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Advice says what to do about it.
func (e *RefusedError) Advice() string {
	if e.Anonymous {
		return "GitHub limits questions without a token: set PACKER_GITHUB_API_TOKEN to one of yours"
	}
	return "the token in PACKER_GITHUB_API_TOKEN was used too often, or may not read this"
}

// HashiCorp is where HashiCorp publishes its plugins: NAME/index.json, and the files of a
// version in NAME/VERSION/. The value is the address.
type HashiCorp string

// index is a list of versions.
type index struct {
	Versions map[string]json.RawMessage `json:"versions"`
}

// Versions returns those in the index.
func (h HashiCorp) Versions(ctx context.Context, source string) ([]string, error) {
	return fetchIndex(ctx, string(h), path.Join(program(source), "index.json"))
}

func fetchIndex(ctx context.Context, location, name string) ([]string, error) {
	o, err := origin.Open(location)
	if err != nil {
		return nil, err
	}
	content, err := o.Fetch(ctx, name, maxList)
	if err != nil {
		return nil, err
	}
	var list index
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("reading %s: %w", o.URL(name), err)
	}
	return slices.Sorted(maps.Keys(list.Versions)), nil
}

// Fetch returns a file of a version.
func (h HashiCorp) Fetch(ctx context.Context, source, version, file string, limit int64) ([]byte, error) {
	o, err := origin.Open(string(h))
	if err != nil {
		return nil, err
	}
	return o.Fetch(ctx, path.Join(program(source), version, file), limit)
}

// Mirror is a copy of what others publish: a directory, or its address on a web server.
// The files of a plugin's releases, as GitHub has them, are in a directory that is named
// as the plugin's source. On a web server there is also an index.json, which has an object
// "versions" with a key for each.
type Mirror string

// Versions returns those in the index, or of the files in the directory.
func (m Mirror) Versions(ctx context.Context, source string) ([]string, error) {
	versions, err := fetchIndex(ctx, string(m), path.Join(source, "index.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		return versions, err
	}
	place, _ := address.Parse(string(m)) // which it was fetched from
	entries, readErr := os.ReadDir(filepath.Join(place.Dir, filepath.FromSlash(source)))
	if place.URL != nil || readErr != nil {
		return nil, err
	}
	for _, entry := range entries {
		name, sums := strings.CutSuffix(entry.Name(), "_SHA256SUMS")
		if version, ours := strings.CutPrefix(name, program(source)+"_"); ours && sums {
			versions = append(versions, version)
		}
	}
	return versions, nil
}

// Fetch returns a file of a version.
func (m Mirror) Fetch(ctx context.Context, source, _, file string, limit int64) ([]byte, error) {
	o, err := origin.Open(string(m))
	if err != nil {
		return nil, err
	}
	return o.Fetch(ctx, path.Join(source, file), limit)
}

// Published returns where the plugin of a source is published, in the order in which to
// look. token is for GitHub's API, or "".
func Published(source, token string) []Releases {
	host, rest, _ := strings.Cut(source, "/")
	if host != "github.com" {
		return nil
	}
	all := []Releases{GitHub{API: "https://api.github.com", Site: "https://github.com", Token: token}}
	if strings.HasPrefix(rest, "hashicorp/") {
		all = append([]Releases{HashiCorp("https://releases.hashicorp.com")}, all...)
	}
	return all
}
