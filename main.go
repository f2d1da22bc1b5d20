// Command packer-plugin-amigo is the plugin that Packer starts; see
// cmd/amigo-image for the program that people start.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/geneontology/packer-plugin-amigo/internal/host/memory"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/amigo"
	"github.com/geneontology/packer-plugin-amigo/version"
)

func main() {
	memory.Spare()
	log.SetOutput(discreet{os.Stderr})
	set := plugin.NewSet()
	if err := register(set, amigo.Registry()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	set.SetVersion(version.PluginVersion)
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// register gives the plugin the components, each by its name without the plugin's.
func register(set *plugin.Set, components pipeline.Registry) error {
	ctx := context.Background()
	for name, create := range components.Builders {
		builder, err := create(ctx)
		if err != nil {
			return err
		}
		set.RegisterBuilder(within(name), builder)
	}
	for name, create := range components.Provisioners {
		provisioner, err := create(ctx)
		if err != nil {
			return err
		}
		set.RegisterProvisioner(within(name), provisioner)
	}
	for name, create := range components.PostProcessors {
		postProcessor, err := create(ctx)
		if err != nil {
			return err
		}
		set.RegisterPostProcessor(within(name), postProcessor)
	}
	return nil
}

// within is a component's name within the plugin amigo.
func within(name string) string {
	if name == "amigo" {
		return plugin.DEFAULT_NAME
	}
	return strings.TrimPrefix(name, "amigo-")
}

// discreet writes what libraries log, for Packer's log, with addresses as anybody
// may see them.
type discreet struct{ to io.Writer }

func (d discreet) Write(line []byte) (int, error) {
	_, err := io.WriteString(d.to, address.ShownIn(string(line)))
	return len(line), err
}
