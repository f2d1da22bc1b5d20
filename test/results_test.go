package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestResultsAreReturned: on the ways of publish and pull, what a function finds
// out is what it returns. None fills what its caller points at: neither a value
// that others return, nor whatever comes as any.
func TestResultsAreReturned(t *testing.T) {
	for _, dir := range []string{
		"repo/publish/repository", "repo/publish/repository/store", "repo/tuf",
		"host/origin", "repo/client/trust", "repo/client/pull",
		"store/obtain", "store/imagestore",
	} {
		functions := functionsIn(t, "../internal/"+dir)
		results := map[string]bool{}
		for _, f := range functions {
			for _, name := range namesOf(f.Type.Results) {
				results[name] = true
			}
		}
		for _, f := range functions {
			for _, name := range namesOf(f.Type.Params) {
				if filled, pointer := strings.CutPrefix(name, "*"); pointer && results[filled] || name == "any" {
					t.Errorf("%s: %s takes %s, which it should return", dir, f.Name, name)
				}
			}
		}
	}
}

func functionsIn(t *testing.T, dir string) []*ast.FuncDecl {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no program: %v", dir, err)
	}
	var all []*ast.FuncDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				all = append(all, f)
			}
		}
	}
	return all
}

// namesOf returns the names of a package's own types in a list, with a star
// before those that are pointed at.
func namesOf(list *ast.FieldList) []string {
	if list == nil {
		return nil
	}
	var names []string
	for _, field := range list.List {
		switch kind := field.Type.(type) {
		case *ast.Ident:
			names = append(names, kind.Name)
		case *ast.StarExpr:
			if to, ok := kind.X.(*ast.Ident); ok {
				names = append(names, "*"+to.Name)
			}
		}
	}
	return names
}
