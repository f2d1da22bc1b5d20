package use

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/doctor"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

func newDoctorCommand(a *cli.App) *cobra.Command {
	var report bool
	c := &cobra.Command{
		Use:     "doctor [CHECK...]",
		GroupID: "use",
		Short:   "check what this host can do",
		Long: `Try everything that building and running images needs from this host. For each
thing that is missing or slow, doctor says what that costs and gives one command
that helps. --report adds the details for a bug report, without passwords and
without the values of variables.

EXIT STATUS
  0    builds work, perhaps slowly
  23   something is missing`,
		Example:   "  amigo-image doctor\n  amigo-image doctor --report > report.txt\n  amigo-image doctor repository proxies\n  amigo-image doctor --json | jq 'select(.state != \"ok\")'",
		ValidArgs: doctor.Names(),
		RunE:      func(c *cobra.Command, args []string) error { return runDoctor(a, c, args, report) },
	}
	c.Flags().BoolVar(&report, "report", false, "write a report for an issue")
	return c
}

func runDoctor(a *cli.App, c *cobra.Command, names []string, report bool) error {
	for _, name := range names {
		if !slices.Contains(doctor.Names(), name) {
			return noCheck(a, c, name)
		}
	}
	dir, err := cli.CacheDir()
	if err != nil {
		return err
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	repository, _, err := new(sourceFlags).choose(store)
	if err != nil {
		return err
	}
	if report && !a.JSON {
		describeHost(store, dir)
	}
	paint := terminal.Painter(os.Stdout, a.Colour)
	missing := doctor.Run(c.Context(), doctor.Local(dir, store, repository), names, func(r doctor.Finding) { showDiagnosis(a, r, paint) })
	if err := c.Context().Err(); err != nil {
		return err
	}
	if missing > 0 {
		return &fault.Error{What: fmt.Sprintf("this host lacks %s", cli.Count(missing, "thing")), Code: fault.Host}
	}
	return nil
}

// noCheck says which checks there are, and which was meant.
func noCheck(a *cli.App, c *cobra.Command, name string) error {
	known := doctor.Names()
	f := &fault.Error{
		What: fmt.Sprintf("there is no check %q", name), Where: "there are " + strings.Join(known, ", "),
		Try: c.CommandPath() + "   # all of them", Code: fault.Usage,
	}
	if near := nearest.Name(name, known); near != "" {
		f.Try = cli.Named(a.Hollow(name, c.CommandPath()), name, []string{near})
	}
	return f
}

func showDiagnosis(a *cli.App, r doctor.Finding, paint func(text, as string) string) {
	if a.JSON {
		_ = json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			doctor.Finding
		}{"check", r})
		return
	}
	if a.Quiet && r.State == doctor.OK {
		return
	}
	// Colour comes last: its escapes would count as columns.
	text := terminal.Wrapped(os.Stdout, fmt.Sprintf("%-13s %-8s %s", r.Name, r.State, r.Text))
	_, _ = fmt.Fprintln(cli.Stdout.Coloured(), strings.Replace(printable.Escape(text), " "+string(r.State), " "+paint(string(r.State), string(r.State)), 1))
	if r.State == doctor.OK {
		return
	}
	for _, more := range []struct{ name, text string }{{"costs", r.Cost}, {"try", r.Cure}} {
		if more.text != "" {
			fmt.Fprintf(cli.Stdout, "  %-11s %s\n", more.name+":", more.text)
		}
	}
}
