package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// newManCommand is for those who package the program.
func newManCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIRECTORY",
		Hidden:  true,
		GroupID: "use",
		Short:   "write the manual's pages",
		Long:    "Write a page of the manual for each command. SOURCE_DATE_EPOCH is their date.",
		Example: "  amigo-image man build/man",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("man takes a directory", c.CommandPath()+" build/man")
			}
			return writeManual(a, args[0])
		},
	}
}

func writeManual(a *cli.App, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the manual: %w", err)
	}
	a.Root.DisableAutoGenTag = true
	forManual(a.Root)
	header := &doc.GenManHeader{Section: "1", Source: "amigo-image " + version.String(), Manual: "AmiGO virtual machines"}
	if err := doc.GenManTree(a.Root, header, dir); err != nil {
		return fmt.Errorf("writing the manual: %w", err)
	}
	return nil
}

// forManual gives the help texts the form that pages are made of, Markdown.
func forManual(c *cobra.Command) {
	text, status, found := strings.Cut(c.Long, "EXIT STATUS\n")
	c.Long = strings.TrimSpace(text)
	if c.Long == "" {
		c.Long = c.Short
	}
	if found {
		c.Long += "\n\n# EXIT STATUS\n```\n" + strings.TrimRight(status, "\n") + "\n```"
	}
	c.Long += "\n\n# ENVIRONMENT\n" + cli.Environment + "NAME sets the flag --name; dashes are underscores."
	c.Example = strings.TrimPrefix(strings.ReplaceAll(c.Example, "\n  ", "\n"), "  ")
	for _, child := range c.Commands() {
		forManual(child)
	}
}
