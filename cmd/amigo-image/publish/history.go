package publish

import (
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
)

const exitStatusHistory = `
EXIT STATUS
  0    shown
  2    wrong arguments
  20   a host cannot be reached  21   a file is not what it should be
  25   there is no such repository or channel`

func newHistoryCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	c := &cobra.Command{
		Use:     "history CHANNEL",
		GroupID: "publish",
		Short:   "show who moved a channel, when and why",
		Long: `Show how a channel came to its version, newest first. It needs no keys: without
them, the repository's own root is trusted.
` + exitStatusHistory,
		Example: "  amigo-image history stable --to file:///srv/www/images\n" +
			"  amigo-image history stable --to www --json | jq -r '.history[].version'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("history takes a channel", c.CommandPath()+" stable --to REPOSITORY")
			}
			return runHistory(a, c, &p, args[0])
		},
	}
	p.Add(c)
	p.addTo(c)
	return c
}

func runHistory(a *cli.App, c *cobra.Command, p *publisherFlags, channel string) error {
	if err := p.checkTo(c); err != nil {
		return err
	}
	ring, err := p.RingIfAny()
	if err != nil {
		return err
	}
	out, err := a.Reporter(c.Name())
	if err != nil {
		return err
	}
	defer out.Close()
	r, err := repository.Open(c.Context(), p.to, ring, repository.Options{Existing: true, Sink: out})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	state, err := r.History(c.Context(), channel)
	if err != nil {
		return err
	}
	return showHistory(a, out, state)
}

func showHistory(a *cli.App, out *cli.Reporter, state layout.Channel) error {
	if a.JSON {
		return out.Object(struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			Version string `json:"version"`
			History any    `json:"history"`
		}{"result", state.Channel, state.Version, state.History})
	}
	var rows [][]string
	for _, move := range state.History {
		rows = append(rows, []string{move.At.Format("2006-01-02 15:04"), string(move.Action), move.Version, move.By, move.Reason})
	}
	cli.WriteTable([]cli.Column{{Name: "TIME (UTC)", Rank: 3}, {Name: "ACTION", Rank: 2}, {Name: "VERSION"}, {Name: "BY", Rank: 4}, {Name: "REASON", Rank: 1, Wrap: true}}, rows)
	return nil
}
