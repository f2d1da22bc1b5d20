// Package maven gets a file of Maven Central by Maven itself, which knows from
// its settings on this host which mirror, login and proxy to use.
package maven

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// copyGoal is the plugin that copies an artifact out of a repository. Its
// version is fixed, so that Maven does not ask for the newest.
const copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

// Artifact is a file of Maven Central, by its coordinates.
type Artifact struct {
	Group, Name, Version, Type string
	SHA256                     string // in hexadecimal
}

// String returns the coordinates as Maven's commands take them.
func (a Artifact) String() string {
	return strings.Join([]string{a.Group, a.Name, a.Version, a.Type}, ":")
}

func (a Artifact) file() string { return fmt.Sprintf("%s-%s.%s", a.Name, a.Version, a.Type) }

// Get fetches the artifact, unless the cache has it, and returns its path.
func Get(ctx context.Context, c cache.Dir, a Artifact) (file string, err error) {
	dir, _, err := c.Get(ctx, "maven", cache.Key(a.SHA256, a.file()), func(dir string) error { return a.load(ctx, dir) })
	switch {
	case ctx.Err() != nil:
		return "", err
	case err != nil:
		return "", fetch.Explain(err, a.String(), "set it to a copy of the file", "name a mirror in ~/.m2/settings.xml")
	}
	return filepath.Join(dir, a.file()), nil
}

func (a Artifact) load(ctx context.Context, dir string) error {
	var said strings.Builder
	err := command.Run(ctx, command.Cmd{
		Name: "mvn", Stdout: &said,
		Args: []string{"--batch-mode", "--quiet", "-Dstyle.color=never", copyGoal, "-Dartifact=" + a.String(), "-DoutputDirectory=" + dir},
		Dir:  dir, // where no project's file is
	})
	if exit := (*command.ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = reason(said.String())
	}
	if err != nil {
		return err
	}
	got, err := fetch.Sum(filepath.Join(dir, a.file()))
	if err == nil && got != a.SHA256 {
		err = &fetch.ChecksumError{Name: a.String(), Want: a.SHA256, Got: got}
	}
	return err
}

// reason is the first error in what Maven said, which is on its standard output.
func reason(said string) string {
	_, said, _ = strings.Cut(said, "[ERROR] ")
	line, _, _ := strings.Cut(said, "\n")
	if _, cause, ok := strings.Cut(line, " on project standalone-pom: "); ok {
		line = cause
	}
	line, _, _ = strings.Cut(line, " -> [Help")
	return line
}
