// Package plugin runs Packer's plugins: programs with builders, provisioners,
// post-processors and data sources, which a [pipeline.Registry] takes as it takes the
// components of this process.
//
// A plugin is a program of its own. It is run as whoever runs the pipeline, so it has to
// be trusted as much as the pipeline itself.
//
// The form of names, checksums and answers is that of Packer 1.16, and the protocol that
// of packer-plugin-sdk, whose package rpc this one is built on. A module that imports it
// needs the same replacement of go-cty in its go.mod as packer-plugin-sdk does.
package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Plugin is a plugin that is installed.
type Plugin struct {
	Source  string // such as "github.com/hashicorp/qemu"
	Name    string // such as "qemu", which the names of its components begin with
	Version *version.Version
	Path    string
	Description
}

// Description is what a plugin says of itself.
type Description struct {
	Version         string   `json:"version"`
	SDKVersion      string   `json:"sdk_version"`
	APIVersion      string   `json:"api_version"` // such as "x5.0"
	Builders        []string `json:"builders"`
	Provisioners    []string `json:"provisioners"`
	PostProcessors  []string `json:"post_processors"`
	DataSources     []string `json:"datasources"`
	ProtocolVersion string   `json:"protocol_version"` // "v2", or "" of plugins that speak gob alone
}

// String names the plugin for people.
func (p Plugin) String() string {
	return strings.TrimSpace(cmp.Or(p.Source, p.Name) + " " + p.Description.Version)
}

// component returns the name in templates of one of the plugin's components, under the
// name that a template has for the plugin.
func component(accessor, name string) string {
	if name == sdk.DEFAULT_NAME {
		return accessor
	}
	return accessor + "-" + name
}

// What a plugin may take to describe itself. It is a start of a program and a line.
const (
	describePatience = time.Minute
	maxDescription   = 1 << 20 // bytes
)

// Describe asks the plugin at a path what it has.
func Describe(ctx context.Context, path string) (Description, error) {
	var d Description
	info, err := os.Stat(path)
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return d, fmt.Errorf("%s is not a program", path)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, describePatience, fmt.Errorf("it did not describe itself within %s", describePatience))
	defer cancel()
	answer := &limited{left: maxDescription}
	tail := event.NewTail(lastWords)
	err = command.Run(ctx, command.Cmd{Name: path, Args: []string{"describe"}, Stdout: answer, Stderr: tail})
	if err != nil {
		return d, fmt.Errorf("describing the plugin %s: %w", path, err)
	}
	if err := json.Unmarshal([]byte(answer.text.String()), &d); err != nil {
		return d, fmt.Errorf("describing the plugin %s: its answer is not one of a plugin: %w", path, err)
	}
	return d, nil
}

// limited keeps the beginning of what is written to it.
type limited struct {
	text strings.Builder
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	part := p[:min(l.left, len(p))]
	l.left -= len(part)
	l.text.Write(part)
	return len(p), nil
}
