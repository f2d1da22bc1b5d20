// Command amigo-image gets, runs, builds and publishes virtual machines of AmiGO.
package main

import (
	"os"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/amigo"
	"github.com/geneontology/packer-plugin-amigo/pipeline/builtin"
)

func main() {
	os.Exit(run(os.Args[1:], registry()))
}

// registry has the components that templates can use.
func registry() pipeline.Registry { return builtin.Registry().With(amigo.Registry()) }
