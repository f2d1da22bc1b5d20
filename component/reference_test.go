package component

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/components.md")

// documented are the components of the reference, and where their
// configurations are.
var documented = []struct{ kind, name, dir string }{
	{"source", Builder, "../builder/qemu"},
	{"provisioner", Provisioner, "../provisioner/amigo"},
	{"post-processor", Distribution, "delivery"},
	{"post-processor", Production, "delivery"},
	{"post-processor", Publish, "../post-processor/publish"},
}

// TestReference makes the reference of all options from the comments in the
// code, and fails if the one in docs/ is another.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString("# Components\n\nMade from the comments in the code: `go test ./component -update`.\n" +
		"Options that every component of Packer has, such as the `ssh_*` ones of a source, are in Packer's documents.\n")
	for _, c := range documented {
		fmt.Fprintf(&out, "\n## %s `%s`\n", c.kind, c.name)
		writeStructs(t, &out, c.dir)
	}
	const path = "../docs/components.md"
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != out.String() {
		t.Error("docs/components.md is not up to date: go test ./component -update")
	}
}

func writeStructs(t *testing.T, out *strings.Builder, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".hcl2spec.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if general, ok := decl.(*ast.GenDecl); ok && general.Tok == token.TYPE {
				blocks += writeStruct(out, general)
			}
		}
	}
	if blocks == 0 {
		t.Errorf("%s has no options", dir)
	}
}

func writeStruct(out *strings.Builder, decl *ast.GenDecl) int {
	spec := decl.Specs[0].(*ast.TypeSpec)
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return 0
	}
	var rows []string
	for _, field := range structure.Fields.List {
		if row := option(field); row != "" {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return 0
	}
	if spec.Name.Name != "Config" {
		fmt.Fprintf(out, "\n### %s\n\n%s", spec.Name.Name, decl.Doc.Text())
	}
	fmt.Fprintf(out, "\n| option | type | |\n| --- | --- | --- |\n%s", strings.Join(rows, ""))
	return len(rows)
}

func option(field *ast.Field) string {
	if field.Tag == nil || len(field.Names) == 0 {
		return ""
	}
	tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
	name, _, _ := strings.Cut(tag.Get("mapstructure"), ",")
	if name == "" {
		return ""
	}
	text := strings.Join(strings.Fields(field.Doc.Text()), " ")
	if tag.Get("required") == "true" {
		text = "*Required.* " + text
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, typeName(field.Type), strings.ReplaceAll(text, "|", `\|`))
}

// typeName returns a type as people who write templates call it.
func typeName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		if inner := typeName(e.X); inner == "bool" {
			return inner
		}
		return "block"
	case *ast.ArrayType:
		return "list of " + typeName(e.Elt)
	case *ast.MapType:
		return "map of " + typeName(e.Value)
	case *ast.SelectorExpr:
		return strings.ToLower(e.Sel.Name)
	case *ast.Ident:
		switch e.Name {
		case "int", "int64":
			return "number"
		case "string", "bool":
			return e.Name
		}
	}
	return "block"
}
