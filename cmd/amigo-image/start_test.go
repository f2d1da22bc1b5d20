package main

import (
	"context"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// BenchmarkStart starts the program and, as a measure of the machine, qemu-img.
func BenchmarkStart(b *testing.B) {
	for name, c := range map[string]command.Cmd{
		"amigo-image": {Name: "amigo-image", Args: []string{"version"}},
		"qemu-img":    {Name: "qemu-img", Args: []string{"--version"}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := command.Run(context.Background(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
