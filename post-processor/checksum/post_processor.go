//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package checksum is the post-processor "checksum": it writes files with the
// checksums of an artifact's files. Its options are those of Packer's
// post-processor of this name.
package checksum

import (
	"context"
	"crypto/md5"  //nolint:gosec // users compare with what others publish
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224,
	"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// Config is the configuration of a post-processor "checksum".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// md5, sha1, sha224, sha256, sha384 or sha512; md5 by default.
	ChecksumTypes []string `mapstructure:"checksum_types"`
	// The name of the file for one type; {{.ChecksumType}}, {{.BuildName}},
	// {{.BuilderType}} and what the builder told are known in it. Types and builds
	// may have one file: checksums are added to it, and replace those that it has of
	// the same files.
	OutputPath string `mapstructure:"output"`

	ctx interpolate.Context
}

// PostProcessor writes checksums.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{
		PluginType: "checksum", Interpolate: true, InterpolateContext: &c.ctx,
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"output"}},
	}, raws...)
	if err != nil {
		return err
	}
	if len(c.ChecksumTypes) == 0 {
		c.ChecksumTypes = []string{"md5"}
	}
	if c.OutputPath == "" {
		c.OutputPath = "packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum"
	}
	var faults []error
	for _, t := range c.ChecksumTypes {
		if _, ok := hashes[t]; !ok {
			known := strings.Join(slices.Sorted(maps.Keys(hashes)), ", ")
			faults = append(faults, fmt.Errorf("checksum_types: %q is not one of %s", t, known))
		}
	}
	return errors.Join(faults...)
}

// PostProcess writes a file for each type and returns it with the input's
// files.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	output := &artifact{Artifact: input, files: slices.Clone(input.Files())}
	for _, t := range p.config.ChecksumTypes {
		name, err := p.name(t, component.GeneratedData(input))
		if err != nil {
			return nil, true, true, err
		}
		if err := write(ctx, name, hashes[t], input.Files()); err != nil {
			return nil, true, true, fmt.Errorf("writing %s: %w", name, err)
		}
		if !slices.Contains(output.files, name) {
			ui.Say(name)
			output.files = append(output.files, name)
		}
	}
	return output, true, true, nil
}

// name is that of the file for checksums of a type.
func (p *PostProcessor) name(t string, data map[string]any) (string, error) {
	data["ChecksumType"], data["BuildName"], data["BuilderType"] = t, p.config.PackerBuildName, p.config.PackerBuilderType
	ctx := p.config.ctx
	ctx.Data = data
	name, err := interpolate.Render(p.config.OutputPath, &ctx)
	if err != nil {
		return "", fmt.Errorf("output: %w", err)
	}
	return name, nil
}

// write makes the file that sha256sum and similar programs check, or adds to it.
func write(ctx context.Context, name string, sum func() hash.Hash, files []string) error {
	var lines []string
	for _, file := range files {
		digest, err := digest(ctx, file, sum())
		if err != nil {
			return err
		}
		lines = append(lines, digest+"  "+filepath.Base(file))
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	unlock, err := durable.Lock(ctx, filepath.Dir(name)) // other builds may add to the file
	if err != nil {
		return err
	}
	defer unlock()
	there, err := regular.ReadFile(name, regular.Document)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.WriteFile(name, []byte(strings.Join(merge(string(there), lines), "")), 0o644)
}

// merge returns the lines of a file without those that are of the files and the type of
// added, and these.
func merge(text string, added []string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		replaced := slices.ContainsFunc(added, func(other string) bool {
			digest, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
			otherDigest, otherName, _ := strings.Cut(other, "  ")
			return name == otherName && len(digest) == len(otherDigest)
		})
		if !replaced {
			lines = append(lines, strings.TrimSuffix(line, "\n")+"\n")
		}
	}
	for _, line := range added {
		lines = append(lines, line+"\n")
	}
	return lines
}

func digest(ctx context.Context, name string, h hash.Hash) (string, error) {
	f, err := regular.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(h, component.Until(ctx, f)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Fingerprint says that the configuration and the artifact decide everything.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) { return "checksum 1", nil }

// artifact is the input with the files of checksums.
type artifact struct {
	packersdk.Artifact
	files []string
}

func (a *artifact) Files() []string { return a.files }

func (a *artifact) String() string { return "files: " + strings.Join(a.files, ", ") }
