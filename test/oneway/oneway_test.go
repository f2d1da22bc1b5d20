// Package oneway holds that data goes one way in a build: a function returns
// what it finds and does not write it into what it was given.
package oneway

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms are the directories of the packages that a build goes through.
var rooms = []string{
	"builder", "provisioner/amigo", "post-processor/distribution", "post-processor/production", "component", "pipeline",
	"internal/manifest", "internal/amigo",
	"internal/image/bootstrap", "internal/image/boottest", "internal/image/deliver", "internal/image/harden",
	"internal/image/outdir", "internal/image/seal", "internal/image/serving",
}

// given may be written to: it is what these functions are for.
var given = []string{
	"pipeline.finish(m)", // a mask collects all that is to be hidden
}

// TestNobodyFillsWhatItWasGiven: results are returned.
func TestNobodyFillsWhatItWasGiven(t *testing.T) {
	var found []string
	for _, room := range rooms {
		root := filepath.Join("..", "..", room)
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, name := range fillers(file) {
				found = append(found, strings.TrimPrefix(filepath.Dir(path), "../../")+"."+name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range found {
		if !slices.Contains(given, name) {
			t.Errorf("%s writes into what it was given; let it return that", name)
		}
	}
	for _, name := range given {
		if !slices.Contains(found, name) {
			t.Errorf("%s does not write into what it was given; it need not be listed", name)
		}
	}
}

// TestFillers: the test knows an out-parameter when it sees one.
func TestFillers(t *testing.T) {
	const source = `package x
func text(s *string)             { *s = "x" }
func field(b *build)             { b.disk.path = "x" }
func count(n *int)               { *n++ }
func entry(m map[string]string)  { m["x"] = "y" }
func element(l []string)         { l[0] = "x" }
func adds(s Set)                 { s.Add(1) }
func inside() { _ = func(s *string) { *s = "x" } }
func (b *build) own()            { b.disk = 1 }
func value(b build) build        { b.disk = 1; return b }
func local(b *build)             { b = nil }
func reads(b *build) string      { s := b.disk; s = "x"; return s }
`
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"text(s)", "field(b)", "count(n)", "entry(m)", "element(l)", "adds(s)", "inside(s)"}
	if got := fillers(file); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// fillers names the functions of a file that write into a parameter, with the
// parameter.
func fillers(file *ast.File) []string {
	var found []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, parameter := range slices.Concat(filled(f.Type, f.Body), filledInside(f.Body)) {
			found = append(found, fmt.Sprintf("%s(%s)", f.Name.Name, parameter))
		}
	}
	return found
}

// filledInside is [filled] of the function literals in a body.
func filledInside(body *ast.BlockStmt) []string {
	var found []string
	ast.Inspect(body, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncLit); ok {
			found = append(found, filled(f.Type, f.Body)...)
		}
		return true
	})
	return found
}

// filled names the parameters that a function writes into.
func filled(signature *ast.FuncType, body *ast.BlockStmt) []string {
	shared := map[string]bool{} // parameters whose content is the caller's
	for _, p := range signature.Params.List {
		for _, name := range p.Names {
			shared[name.Name] = isShared(p.Type)
		}
	}
	var found []string
	write := func(target ast.Expr) {
		if name, deep := root(target); deep && shared[name] && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				write(target)
			}
		case *ast.IncDecStmt:
			write(n.X)
		case *ast.CallExpr:
			if name := addedTo(n); isParameter(name, shared) && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
		return true
	})
	return found
}

func isParameter(name string, parameters map[string]bool) bool {
	_, ok := parameters[name]
	return ok
}

// addedTo names the variable that a call adds something to, or "".
func addedTo(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Add" && f.Sel.Name != "add" {
		return ""
	}
	name, _ := root(f.X)
	return name
}

func isShared(e ast.Expr) bool {
	switch e.(type) {
	case *ast.StarExpr, *ast.MapType, *ast.ArrayType:
		return true
	}
	return false
}

// root returns the variable in which an assignment writes, and whether it
// writes into what that points to.
func root(e ast.Expr) (name string, deep bool) {
	for {
		switch target := e.(type) {
		case *ast.Ident:
			return target.Name, deep
		case *ast.StarExpr:
			e, deep = target.X, true
		case *ast.SelectorExpr:
			e, deep = target.X, true
		case *ast.IndexExpr:
			e, deep = target.X, true
		case *ast.ParenExpr:
			e = target.X
		default:
			return "", false
		}
	}
}
