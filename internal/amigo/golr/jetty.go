package golr

import (
	"context"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/maven"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
)

// JettyHome is where a machine has Jetty's program.
const JettyHome = "/usr/share/jetty9"

// jetty is the version that Debian 13 has, for distributions that have none.
var jetty = maven.Artifact{
	Group: "org.eclipse.jetty", Name: "jetty-home", Version: "9.4.57.v20241219", Type: "tar.gz",
	SHA256: "cedae0125661d3d496076636d6e46e91d5d5b51adfb35c9929919bdad1e04328",
}

// GetJetty returns a directory with Jetty's program, which the host's Maven fetches.
func GetJetty(ctx context.Context, c cache.Dir) (string, error) {
	file, err := maven.Get(ctx, c, jetty)
	if err != nil {
		return "", err
	}
	dir, _, err := c.Get(ctx, "jetty", cache.Key(jetty.SHA256), func(dir string) error {
		return unpack.File(ctx, file, filepath.Join(dir, "all"))
	})
	return filepath.Join(dir, "all", jetty.Name+"-"+jetty.Version), err
}
