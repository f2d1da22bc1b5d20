// Command packer-plugin-amigo is the plugin that Packer starts; see
// cmd/amigo-image for the program that people start.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/geneontology/packer-plugin-amigo/builder/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/host/memory"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/post-processor/distribution"
	"github.com/geneontology/packer-plugin-amigo/post-processor/production"
	"github.com/geneontology/packer-plugin-amigo/post-processor/publish"
	"github.com/geneontology/packer-plugin-amigo/provisioner/amigo"
	"github.com/geneontology/packer-plugin-amigo/version"
)

func main() {
	memory.Spare()
	log.SetOutput(discreet{os.Stderr})
	set := plugin.NewSet()
	set.RegisterBuilder("qemu", new(qemu.Builder))
	set.RegisterProvisioner(plugin.DEFAULT_NAME, new(amigo.Provisioner))
	set.RegisterPostProcessor("distribution", new(distribution.PostProcessor))
	set.RegisterPostProcessor("production", new(production.PostProcessor))
	set.RegisterPostProcessor("publish", new(publish.PostProcessor))
	set.SetVersion(version.PluginVersion)
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// discreet writes what libraries log, for Packer's log, with addresses as anybody
// may see them.
type discreet struct{ to io.Writer }

func (d discreet) Write(line []byte) (int, error) {
	_, err := io.WriteString(d.to, address.ShownIn(string(line)))
	return len(line), err
}
