package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// newManCommand is for those who package the program.
func newManCommand(a *cli.App) *cobra.Command {
	var format string
	c := &cobra.Command{
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
			switch format {
			case "man":
				return writeManual(a, args[0])
			case "help":
				return writeHelp(a, args[0])
			default:
				return cli.Usage(fmt.Sprintf("%q is neither man nor help", format), c.CommandPath()+" --format man build/man")
			}
		},
	}
	c.Flags().StringVar(&format, "format", "man", "man, or help: the text that --help shows")
	return c
}

// writeHelp writes the help of every command, one file each.
func writeHelp(a *cli.App, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the help: %w", err)
	}
	var errs []error
	everyCommand(a.Root, func(c *cobra.Command) {
		var text bytes.Buffer
		c.SetOut(&text)
		err := c.Help()
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".help"
		errs = append(errs, err, os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o644))
	})
	return errors.Join(errs...)
}

// everyCommand visits c and the commands below it.
func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, child := range c.Commands() {
		everyCommand(child, visit)
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
	c.Long += "\n\n# ENVIRONMENT\n" + cli.EnvironmentOf(c)
	c.Example = strings.TrimPrefix(strings.ReplaceAll(c.Example, "\n  ", "\n"), "  ")
	for _, child := range c.Commands() {
		forManual(child)
	}
}
