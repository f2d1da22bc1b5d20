package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/pipeline/builtin"
	"github.com/geneontology/packer-plugin-amigo/test/doctable"
)

func comparedBelow(t *testing.T, heading string) map[string]string {
	t.Helper()
	names, err := doctable.Read("../../docs/compatibility.md", heading)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestComparedComponents: the page lists the components that are built in. Those that are
// there only to be refused are none.
func TestComparedComponents(t *testing.T) {
	r := builtin.Registry()
	var have []string
	add := func(kind string, names []string) {
		for _, name := range names {
			have = append(have, kind+" "+name)
		}
	}
	add("source", slices.Collect(maps.Keys(r.Builders)))
	add("provisioner", slices.Collect(maps.Keys(r.Provisioners)))
	add("post-processor", slices.Collect(maps.Keys(r.PostProcessors)))
	add("data", slices.Collect(maps.Keys(r.DataSources)))
	have = slices.DeleteFunc(have, func(name string) bool {
		return strings.Contains(name, "windows-") || strings.HasSuffix(name, "powershell")
	})
	slices.Sort(have)
	listed := comparedBelow(t, "Built-in components")
	maps.DeleteFunc(listed, func(_, status string) bool { return status == doctable.No })
	if diff := cmp.Diff(have, slices.Sorted(maps.Keys(listed))); diff != "" {
		t.Errorf("(-program +page):\n%s", diff)
	}
}

// TestComparedCommands: what the page says of commands and flags is so.
func TestComparedCommands(t *testing.T) {
	root := typed().Root
	command := func(path string) *cobra.Command {
		c, rest, err := root.Find(strings.Fields(path))
		if err != nil || len(rest) > 0 || c == root {
			return nil
		}
		return c
	}
	for path, status := range comparedBelow(t, "Commands") {
		if (command(path) != nil) != (status != doctable.No) {
			t.Errorf("%s: the page says %s", path, status)
		}
	}
	for name, status := range comparedBelow(t, "Flags") {
		path, flag, _ := strings.Cut(name, " -")
		c := command(path)
		if c == nil {
			t.Errorf("%s: there is no command %q", name, path)
			continue
		}
		has := c.Flags().Lookup(flag) != nil || c.InheritedFlags().Lookup(flag) != nil
		if has != (status != doctable.No) {
			t.Errorf("%s: the page says %s", name, status)
		}
	}
}
