package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestNothingInternalIsPublic: whoever imports a public package can name every type that
// is part of it.
func TestNothingInternalIsPublic(t *testing.T) {
	files := 0
	for _, room := range []string{"pipeline", "builder", "provisioner", "post-processor", "datasource", "component", "version"} {
		err := filepath.WalkDir("../"+room, func(at string, entry fs.DirEntry, err error) error {
			if entry != nil && entry.Name() == "internal" {
				return filepath.SkipDir
			}
			if err != nil || entry.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") {
				return err
			}
			files++
			file, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, name := range internalTypes(file) {
				t.Errorf("%s shows %s", at, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

// internalTypes returns the types of internal packages that the exported declarations of
// a file name.
func internalTypes(file *ast.File) []string {
	internal := map[string]bool{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !strings.Contains(imported, "/internal/") {
			continue
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		internal[name] = true
	}
	var found []string
	for _, part := range exportedParts(file) {
		ast.Inspect(part, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && len(field.Names) > 0 && !field.Names[0].IsExported() && isField(part, field) {
				return false
			}
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if at, ok := selector.X.(*ast.Ident); ok && internal[at.Name] {
				found = append(found, at.Name+"."+selector.Sel.Name)
			}
			return true
		})
	}
	return found
}

// exportedParts returns the types of what a file exports: signatures, and declared types.
func exportedParts(file *ast.File) []ast.Node {
	var parts []ast.Node
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
				parts = append(parts, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						parts = append(parts, s.Type)
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() && s.Type != nil {
						parts = append(parts, s.Type)
					}
				}
			}
		}
	}
	return parts
}

func exportedReceiver(list *ast.FieldList) bool {
	typ := list.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

// isField reports whether a field is one of a struct's, not a parameter.
func isField(part ast.Node, field *ast.Field) bool {
	found := false
	ast.Inspect(part, func(n ast.Node) bool {
		if s, ok := n.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				found = found || f == field
			}
		}
		return true
	})
	return found
}
