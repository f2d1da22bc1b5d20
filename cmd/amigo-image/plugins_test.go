package main

import (
	"cmp"
	"fmt"
	"os"

	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/version"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin/plugintest"
)

// asPlugin runs the test's own program as a plugin with one builder, if it is started as
// one.
func asPlugin() (was bool) {
	if len(os.Args) < 2 || os.Args[1] != "describe" && os.Args[1] != "start" {
		return false
	}
	set := sdk.NewSet()
	set.SetVersion(version.NewPluginVersion(cmp.Or(os.Getenv(plugintest.VersionVariable), "1.2.3"), "", ""))
	set.RegisterBuilder("null", &nullBuilder{})
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// release makes releases of the plugin in a directory: "release DIRECTORY VERSION...".
func release(ts *testscript.TestScript, _ bool, args []string) {
	for _, version := range args[1:] {
		ts.Check(plugintest.Release(ts.MkAbs(args[0]), "example.org/tests/tester", version, ts.Getenv("PLUGIN")))
	}
}
