package main

import (
	"fmt"
	"os"

	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/version"
)

// asPlugin runs the test's own program as a plugin with one builder, if it is started as
// one.
func asPlugin() (was bool) {
	if len(os.Args) < 2 || os.Args[1] != "describe" && os.Args[1] != "start" {
		return false
	}
	set := sdk.NewSet()
	set.SetVersion(version.NewPluginVersion("1.2.3", "", ""))
	set.RegisterBuilder("null", &nullBuilder{})
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}
