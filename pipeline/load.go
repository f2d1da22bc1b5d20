package pipeline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/spelling"
)

// rootSchema is what may stand at the top of a template.
var rootSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "packer"},
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "variables"},
	{Type: "local", LabelNames: []string{"name"}},
	{Type: "locals"},
	{Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "source", LabelNames: []string{"type", "name"}},
	{Type: "build"},
	{Type: hcpBlock},
	{Type: "communicator", LabelNames: []string{"type", "name"}},
}}

// sources are the files of a template.
type sources struct {
	root   string // the template as the user named it, or its directory
	isDir  bool
	parser *hclparse.Parser
	bodies []hcl.Body // in the order of the files' names

	written []hcl.Body // the same, without other spellings

	private []string // names of files of variables, whose lines may hold secrets
}

// given is the name of a template that [Input.Read] reads.
const given = "-"

// load parses the template at path: a file, or every *.pkr.hcl and
// *.pkr.json of a directory.
func load(path string, in Input) (*sources, hcl.Diagnostics) {
	s := &sources{parser: hclparse.NewParser()}
	read := readRegular
	if path == given {
		read = in.read
	}
	names, diags := s.find(path)
	if diags.HasErrors() {
		return s, diags
	}
	for _, name := range names {
		file, more := s.parse(name, read)
		diags = append(diags, more...)
		if file != nil {
			s.bodies = append(s.bodies, spelling.Body(file.Body))
			s.written = append(s.written, file.Body)
		}
	}
	return s, diags
}

func (s *sources) find(path string) ([]string, hcl.Diagnostics) {
	if path == given {
		s.root = "."
		return []string{given}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, hcl.Diagnostics{noSubject("There is no template", "Cannot read %s.", fault.Plain(err))}
	}
	if !info.IsDir() {
		s.root = filepath.Dir(path)
		if !isTemplate(path) {
			return nil, hcl.Diagnostics{notTemplate(path)}
		}
		return []string{path}, nil
	}
	s.root, s.isDir = path, true
	names, err := listed(path, isTemplate)
	if err != nil || len(names) == 0 {
		return nil, hcl.Diagnostics{noSubject("There is no template",
			"The directory %s has no file whose name ends in .pkr.hcl or .pkr.json.", path)}
	}
	return names, nil
}

func notTemplate(path string) *hcl.Diagnostic {
	if filepath.Ext(path) == ".json" {
		return noSubject("Not an HCL2 template",
			"%s is a legacy JSON template, or is named like one. Make an HCL2 template of it: packer hcl2_upgrade %[1]s", path)
	}
	return noSubject("Not an HCL2 template", "%s: the name of a template ends in .pkr.hcl or .pkr.json.", path)
}

// readRegular reads a file that was found in a directory.
func readRegular(name string) ([]byte, error) { return regular.ReadFile(name, regular.Document) }

func (s *sources) parse(name string, read func(string) ([]byte, error)) (*hcl.File, hcl.Diagnostics) {
	text, err := read(name)
	if err != nil {
		return nil, hcl.Diagnostics{noSubject("Cannot read a file", "%s.", fault.Plain(err))}
	}
	if name == given {
		name = "<stdin>"
	}
	return parseText(s.parser, text, name)
}

// parsePrivate parses a file of variables. Its lines are not shown in errors.
func (s *sources) parsePrivate(name string, read func(string) ([]byte, error)) (*hcl.File, hcl.Diagnostics) {
	s.private = append(s.private, name)
	return s.parse(name, read)
}

// blocks returns the blocks of the given types, in order.
func (s *sources) blocks(types ...string) (hcl.Blocks, hcl.Diagnostics) {
	schema := &hcl.BodySchema{}
	for _, header := range rootSchema.Blocks {
		if slices.Contains(types, header.Type) {
			schema.Blocks = append(schema.Blocks, header)
		}
	}
	var found hcl.Blocks
	var diags hcl.Diagnostics
	for _, body := range s.bodies {
		content, _, more := body.PartialContent(schema)
		diags = append(diags, more...)
		found = append(found, content.Blocks...)
	}
	return found, diags
}

// text returns the contents of the template's files.
func (s *sources) text() []string {
	var all []string
	files := s.parser.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, string(files[name].Bytes))
	}
	return all
}

func isTemplate(name string) bool {
	return strings.HasSuffix(name, ".pkr.hcl") || strings.HasSuffix(name, ".pkr.json")
}

// listed returns the files in dir that wanted takes, by name.
func listed(dir string, wanted func(string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() && wanted(entry.Name()) {
			names = append(names, filepath.Join(dir, entry.Name()))
		}
	}
	return names, nil
}
