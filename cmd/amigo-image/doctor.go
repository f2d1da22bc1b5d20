package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/doctor"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/terminal"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		GroupID: "use",
		Short:   "see what this host can do",
		Long: `Try everything that a build needs of this host, and say what is missing or slow,
what that costs, and the one command that helps.

EXIT STATUS
  0    builds work, perhaps slowly
  23   something is missing`,
		Example: "  amigo-image doctor\n  amigo-image doctor --json | jq 'select(.state != \"ok\")'",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return a.doctor(c) },
	}
}

func (a *app) doctor(c *cobra.Command) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	paint := terminal.Painter(os.Stdout, a.colour)
	missing := doctor.Run(c.Context(), doctor.Local(dir), func(r doctor.Result) { a.diagnose(r, paint) })
	if err := c.Context().Err(); err != nil {
		return err
	}
	if missing > 0 {
		return &fault.Error{What: fmt.Sprintf("this host lacks %s", count(missing, "thing")), Code: fault.Host}
	}
	return nil
}

func (a *app) diagnose(r doctor.Result, paint func(text, as string) string) {
	if a.json {
		_ = json.NewEncoder(os.Stdout).Encode(struct {
			Type string `json:"type"`
			doctor.Result
		}{"check", r})
		return
	}
	if a.quiet && r.State == doctor.OK {
		return
	}
	fmt.Printf("%-13s %s %s\n", r.Name, paint(fmt.Sprintf("%-8s", r.State), string(r.State)), r.Text)
	if r.State == doctor.OK {
		return
	}
	for _, more := range []struct{ name, text string }{{"costs", r.Cost}, {"try", r.Cure}} {
		if more.text != "" {
			fmt.Printf("  %-11s %s\n", more.name+":", more.text)
		}
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
