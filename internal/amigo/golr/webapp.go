package golr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/maven"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// WebApp is Solr's program.
type WebApp struct {
	Dir    string // with WEB-INF
	Digest string
	Jetty  string // directory with Jetty 9, where no package has it in [JettyHome]
}

// Solr is the version that AmiGO's schema is for, and the last of 3.6.
var Solr = maven.Artifact{
	Group: "org.apache.solr", Name: "solr", Version: "3.6.2", Type: "war",
	SHA256: "2dfc607cfe1903590677e00100cd51347e582288417885e50e232215177768ea",
}

// doctype makes Jetty look for a grammar on the network, and a web application
// without one starts as well.
var doctype = regexp.MustCompile(`(?s)<!DOCTYPE[^>]*>`)

// Unwrap unpacks solr.war, so that Jetty need not do it at each start, without
// the pages for administrators, which an image does not serve.
func Unwrap(ctx context.Context, c cache.Dir, spec Spec) (WebApp, error) {
	file, sum, err := program(ctx, c, spec)
	if err != nil {
		return WebApp{}, err
	}
	dir, _, err := c.Get(ctx, "solr", cache.Key("2", sum), func(dir string) error {
		return unwrap(ctx, file, dir)
	})
	return WebApp{Dir: filepath.Join(dir, "webapp"), Digest: sum}, err
}

// program brings solr.war to the host.
func program(ctx context.Context, c cache.Dir, spec Spec) (file, sum string, err error) {
	if spec.War == "" {
		file, err = maven.Get(ctx, c, Solr)
		return file, Solr.SHA256, field.Wrap("GOlr.War", err)
	}
	return fetch.File(ctx, c, spec.War, spec.WarSum, spec.Fetch)
}

func unwrap(ctx context.Context, file, dir string) error {
	all := filepath.Join(dir, "all")
	war := filepath.Join(dir, "solr.war")
	target, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := os.Symlink(target, war); err != nil {
		return fmt.Errorf("unpacking %s: %w", file, err)
	}
	if err := unpack.File(ctx, war, all); err != nil {
		return field.Wrap("GOlr.War", err)
	}
	descriptor := filepath.Join(all, "WEB-INF", "web.xml")
	text, err := regular.ReadFile(descriptor, regular.Document)
	if errors.Is(err, os.ErrNotExist) {
		return field.Errorf("GOlr.War", "%s is not a web application: it lacks WEB-INF/web.xml", file)
	}
	if err == nil {
		err = os.WriteFile(descriptor, doctype.ReplaceAll(text, nil), 0o644)
	}
	if err == nil {
		err = moveWebApp(all, filepath.Join(dir, "webapp"))
	}
	return errors.Join(err, os.RemoveAll(all), os.Remove(war))
}

// moveWebApp moves the program and its licences.
func moveWebApp(from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"WEB-INF", "META-INF"} {
		err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
