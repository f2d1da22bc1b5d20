// Package night reads the file that describes an unattended run:
//
//	template   = "amigo.pkr.hcl"
//	repository = "file:///srv/www/images"
//	state      = "/var/lib/amigo-image"
//	variables  = { amigo_source = "https://git.example.org/amigo.git" }
//	cache = "30d"
//	keep { daily = 7 }
package night

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline/spelling"
)

// File is what the file says, with defaults filled in. Relative paths are
// relative to its directory, but for those in variables, which are the
// template's own.
type File struct {
	// Template is the template to build, a file or a directory.
	Template string `hcl:"template"`
	// Variables of the template, as they are: what a path in them is relative to,
	// the template says.
	Variables map[string]string `hcl:"variables,optional"`
	// VariableFiles are files of variables, HCL or JSON.
	VariableFiles []string `hcl:"variable_files,optional"`
	// Directories of the images that the template makes: output/distribution
	// and output/production by default.
	Directories []string `hcl:"directories,optional"`
	// Repository is where to publish, as publish's --to: a URL or a path.
	Repository string `hcl:"repository"`
	// PublicURL is where the public reads the repository. What it would read is
	// read back before anything points at it.
	PublicURL string `hcl:"public_url,optional"`
	// Issues is the address where people ask for help, for the page.
	Issues string `hcl:"issues,optional"`
	// Publisher is the name of who publishes, for the page.
	Publisher string `hcl:"publisher,optional"`
	// Screenshot is a PNG of AmiGO, for the page.
	Screenshot string `hcl:"screenshot,optional"`
	// Channel that the night moves; "nightly" by default.
	Channel string `hcl:"channel,optional"`
	// Keys is the key directory.
	Keys string `hcl:"keys,optional"`
	// State is the directory of lock, status.json, junit.xml and evidence.
	State string `hcl:"state"`
	// BudgetText is the time for the whole run, such as "3h", the default.
	BudgetText string        `hcl:"budget,optional"`
	Budget     time.Duration // of BudgetText
	// CacheText is after which time without use an entry of this host's build
	// cache goes, such as "30d", the default.
	CacheText string    `hcl:"cache,optional"`
	Cache     keep.Span // of CacheText
	// MaxLossText is which part of its documents GOlr may have lost since the channel's
	// version, such as "5%", the default.
	MaxLossText string          `hcl:"max_loss,optional"`
	MaxLoss     repository.Loss // of MaxLossText
	// Notify is a command that gets status.json on its standard input.
	Notify []string `hcl:"notify,optional"`
	// Keep is which versions stay; without it all do.
	Keep *Keep `hcl:"keep,block"`
}

// Keep counts what is kept, as prune's flags do.
type Keep struct {
	Last    int    `hcl:"last,optional"`
	Hourly  int    `hcl:"hourly,optional"`
	Daily   int    `hcl:"daily,optional"`
	Weekly  int    `hcl:"weekly,optional"`
	Monthly int    `hcl:"monthly,optional"`
	Yearly  int    `hcl:"yearly,optional"`
	Within  string `hcl:"within,optional"` // such as "30d"
	// Versions stay in any case, such as those that a paper cites.
	Versions []string `hcl:"versions,optional"`
}

// Policy returns the rules.
func (k Keep) Policy() (keep.Policy, error) {
	policy := keep.Policy{Last: k.Last, Hourly: k.Hourly, Daily: k.Daily, Weekly: k.Weekly, Monthly: k.Monthly, Yearly: k.Yearly}
	if err := policy.Check(); err != nil {
		return policy, fmt.Errorf("keep.%w", err)
	}
	if k.Within == "" {
		return policy, nil
	}
	var err error
	if policy.Within, err = keep.ParseSpan(k.Within); err != nil {
		return policy, fmt.Errorf("keep.within: %w", err)
	}
	return policy, nil
}

// Error is what is wrong with a file; it shows the lines.
type Error struct {
	Diagnostics hcl.Diagnostics
	Files       map[string]*hcl.File
}

func (e *Error) Error() string { return e.Diagnostics.Error() }

// Read reads and checks the file at path. Every fault is in the error, which
// is an [*Error] where it has a place in the file.
func Read(path string) (File, error) {
	text, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return File{}, fmt.Errorf("reading the file that describes the night: %w", err)
	}
	parser := hclparse.NewParser()
	parsed, diags := parser.ParseHCL(text, path)
	file := File{Channel: "nightly", BudgetText: "3h", CacheText: "30d", MaxLossText: "5%"}
	if !diags.HasErrors() {
		diags = append(diags, gohcl.DecodeBody(spelling.Body(parsed.Body), nil, &file)...)
	}
	if diags.HasErrors() {
		return file, &Error{Diagnostics: diags, Files: parser.Files()}
	}
	if err := file.complete(filepath.Dir(path)); err != nil {
		return file, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// complete fills in defaults and returns every fault.
func (f *File) complete(dir string) error {
	var faults []error
	var err error
	if f.Budget, err = time.ParseDuration(f.BudgetText); err != nil || f.Budget <= 0 {
		faults = append(faults, fmt.Errorf("budget: %q is not a time such as \"3h\" or \"90m\"", f.BudgetText))
	}
	if f.MaxLoss, err = repository.ParseLoss(f.MaxLossText); err != nil {
		faults = append(faults, fmt.Errorf("max_loss: %w", err))
	}
	if f.Cache, err = keep.ParseSpan(f.CacheText); err != nil {
		faults = append(faults, fmt.Errorf("cache: %w", err))
	}
	if err := layout.CheckChannel(f.Channel); err != nil {
		faults = append(faults, fmt.Errorf("channel: %w", err))
	}
	if f.Keep != nil {
		if _, err := f.Keep.Policy(); err != nil {
			faults = append(faults, err)
		}
	}
	if len(f.Directories) == 0 {
		f.Directories = []string{"output/distribution", "output/production"}
	}
	for _, required := range []struct{ name, value string }{
		{"template", f.Template}, {"repository", f.Repository}, {"state", f.State},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("%s: it is empty", required.name))
		}
	}
	f.Template, f.State = within(dir, f.Template), within(dir, f.State)
	faults = append(faults, f.place(dir))
	if f.Screenshot != "" {
		f.Screenshot = within(dir, f.Screenshot)
	}
	if f.Keys != "" {
		f.Keys = within(dir, f.Keys)
	}
	for i := range f.Directories {
		f.Directories[i] = within(dir, f.Directories[i])
	}
	for i := range f.VariableFiles {
		f.VariableFiles[i] = within(dir, f.VariableFiles[i])
	}
	return errors.Join(faults...)
}

// place checks the repository's address; a path is relative to dir.
func (f *File) place(dir string) error {
	place, err := address.Parse(f.Repository)
	switch {
	case f.Repository == "": // which is told
	case err != nil:
		return fmt.Errorf("repository: %w", err)
	case place.Dir == f.Repository:
		f.Repository = within(dir, f.Repository)
	}
	return nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
