package amigo

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named matches a field that an error of the engine is about.
var named = regexp.MustCompile(`(?:field\.(?:Errorf|Wrap)|fault|text|eachField|exist)\((?:[^"()]*(?:\([^()]*\))?[^"()]*, )?"([A-Z][A-Za-z.]*)"`)

// TestAttributes: every field that the engine names has a name in templates.
func TestAttributes(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir("../../internal/amigo", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			found[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range found {
		if attributes[name] == "" {
			t.Errorf("%s has no name in templates", name)
		}
	}
	for name := range attributes {
		if !found[name] {
			t.Errorf("no error is about %s", name)
		}
	}
}
