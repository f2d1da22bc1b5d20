package pipeline

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// variablePrefix begins the names of the environment variables that set a
// template's variables.
const variablePrefix = "PKR_VAR_"

// Input is what sets a template's variables from outside, in the order in
// which the later wins: the environment, the files *.auto.pkrvars.hcl and
// *.auto.pkrvars.json of a template that is a directory, Files, Values.
type Input struct {
	Environ []string // as os.Environ gives it
	Files   []string // of variables, HCL or JSON by their suffix
	Values  []string // name=value
	// Read reads one of Files, or the template that is named "-". nil takes regular
	// files only; where a person named them, a pipe may be meant.
	Read func(name string) ([]byte, error)
	// AllowUnset takes a template with variables that have no value. It is one to look
	// at: what depends on them is unknown.
	AllowUnset bool
	// IgnoreUndeclared warns of no variables in Files that the template does not have.
	IgnoreUndeclared bool
}

func (in Input) read(name string) ([]byte, error) {
	if in.Read == nil {
		return readRegular(name)
	}
	return in.Read(name)
}

// assign gives variables their values from outside.
func (in Input) assign(s *sources, declared variables) hcl.Diagnostics {
	diags := in.fromEnviron(declared)
	if s.isDir {
		for _, suffix := range []string{".auto.pkrvars.hcl", ".auto.pkrvars.json"} {
			files, err := listed(s.root, func(name string) bool { return strings.HasSuffix(name, suffix) })
			if err != nil {
				diags = append(diags, noSubject("Cannot read the template's directory", "%s.", fault.Plain(err)))
			}
			diags = append(diags, in.fromFiles(s, files, declared, readRegular)...)
		}
	}
	diags = append(diags, in.fromFiles(s, in.Files, declared, in.read)...)
	return append(diags, in.fromValues(declared)...)
}

func (in Input) fromEnviron(declared variables) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, entry := range in.Environ {
		name, text, _ := strings.Cut(entry, "=")
		if v, ok := declared[strings.TrimPrefix(name, variablePrefix)]; ok && strings.HasPrefix(name, variablePrefix) {
			diags = append(diags, v.setText(text, "the environment variable "+name)...)
		}
	}
	return diags
}

func (in Input) fromValues(declared variables) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i, entry := range in.Values {
		name, text, ok := strings.Cut(entry, "=")
		if !ok {
			diags = append(diags, noSubject("Invalid -var option", "-var number %d is not of the form name=value.", i+1))
			continue
		}
		v, ok := declared[name]
		if !ok {
			diags = append(diags, noSubject("Undefined -var variable",
				"The template has no variable %q, which -var sets. %s", name, suggest(name, declared.names())))
			continue
		}
		diags = append(diags, v.setText(text, "-var "+name)...)
	}
	return diags
}

// setText sets v from a text: as it is for strings, numbers and variables
// without a type and a default, else as an expression.
func (v *variable) setText(text, origin string) hcl.Diagnostics {
	where := hcl.Range{Filename: "<value of " + origin + ">", Start: hcl.InitialPos, End: hcl.InitialPos}
	if v.typ == cty.String || v.typ == cty.Number || v.untyped {
		return v.set(cty.StringVal(text), where)
	}
	expr, diags := parseExpression(text, where.Filename)
	if diags.HasErrors() {
		return discreet(diags, nil)
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		return discreet(diags, nil)
	}
	return v.set(value, where)
}

func (in Input) fromFiles(s *sources, names []string, declared variables, read func(string) ([]byte, error)) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range names {
		if ext := filepath.Ext(name); ext != ".hcl" && ext != ".json" {
			diags = append(diags, noSubject("Invalid file of variables", "The name of %s must end in .hcl or .json.", name))
			continue
		}
		file, more := s.parsePrivate(name, read)
		diags = append(diags, discreet(more, declared)...)
		if !more.HasErrors() {
			diags = append(diags, in.fromFile(file, declared)...)
		}
	}
	return diags
}

func (in Input) fromFile(file *hcl.File, declared variables) hcl.Diagnostics {
	attrs, diags := file.Body.JustAttributes()
	diags = discreet(diags, declared)
	for name, attr := range attrs {
		v, ok := declared[name]
		if !ok && in.IgnoreUndeclared {
			continue
		}
		if !ok {
			diags = append(diags, warningAt(attr.Range, "Undefined variable",
				"The template has no variable %q. %s", name, suggest(name, declared.names())))
			continue
		}
		value, more := attr.Expr.Value(nil)
		diags = append(diags, discreet(more, declared)...)
		if !more.HasErrors() {
			diags = append(diags, v.set(value, attr.Expr.Range())...)
		}
	}
	return diags
}

// unset returns a fault for each variable without a value.
func (v variables) unset() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range v.names() {
		if v[name].value == cty.NilVal {
			diags = append(diags, errorAt(v[name].declared, fmt.Sprintf("Unset variable %q", name),
				"Variable %q has no value and no default. Set it with -var %s=VALUE, a file of variables, or %s%s.",
				name, name, variablePrefix, name))
		}
	}
	return diags
}

// finish checks that values keep the rules of their variables, hides the sensitive ones,
// and returns the object var. The value of a variable that is not set is unknown.
func (v variables) finish(s *scope, m *mask) (cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	values := map[string]cty.Value{}
	for _, name := range v.names() {
		one := v[name]
		if one.value == cty.NilVal {
			values[name] = cty.UnknownVal(one.typ)
			continue
		}
		if one.sensitive && !m.add(one.value) {
			diags = append(diags, warningAt(one.declared, "Too short to be hidden",
				"Variable %q is sensitive, and has a value of less than %d characters: output that holds it shows it.", name, shortest))
		}
		values[name] = one.value
		diags = append(diags, one.check(s.functions)...)
	}
	return cty.ObjectVal(values), diags
}
