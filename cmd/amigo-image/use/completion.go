package use

import (
	"github.com/spf13/cobra"
)

// completeNames completes a command's arguments with names from the store.
func completeNames(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return localNames(c.Context()), cobra.ShellCompDirectiveNoFileComp
}

// completeFiles completes with names from the store, and files.
func completeFiles(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return localNames(c.Context()), cobra.ShellCompDirectiveDefault
}
