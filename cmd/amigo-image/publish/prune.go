package publish

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

func newPruneCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	rules := repository.Rules{History: keep.Span{Days: 7}}
	c := &cobra.Command{
		Use:   "prune",
		Short: "remove old versions from a repository",
		Long: `Remove old versions from a repository. A version stays if any rule keeps it. A
channel's current version, the one a rollback would go to, and those it had in
the last days always stay.

Pruning takes two runs. The first stops offering a version. A later one, some days
after, removes its files, when no reader can still be downloading them.
` + exitStatusPublish,
		Example: "  amigo-image prune --to images --keep-daily 7 --keep-monthly 12 --dry-run\n" +
			"  amigo-image prune --to images --keep-within 1m --keep-version 2026-03-01",
		Args: cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if rules.Empty() {
				return cli.Usage("no rule says which versions to keep", c.CommandPath()+" --to REPOSITORY --keep-daily 7 --keep-monthly 12 --dry-run")
			}
			rules.Reason = p.reason
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository) (repository.Pruned, error) {
				return r.Prune(ctx, rules)
			}, showPruned)
		},
	}
	addRules(c, &rules)
	return p.withReason(p.publisher(c))
}

// addRules adds the flags of the keep rules, which have restic's names.
func addRules(c *cobra.Command, rules *repository.Rules) {
	flags := c.Flags()
	for _, rule := range []struct {
		name, what string
		count      *int
	}{
		{"last", "the newest `N` versions", &rules.Last},
		{"hourly", "the newest version of each of `N` hours", &rules.Hourly},
		{"daily", "the newest version of each of `N` days", &rules.Daily},
		{"weekly", "the newest version of each of `N` weeks", &rules.Weekly},
		{"monthly", "the newest version of each of `N` months", &rules.Monthly},
		{"yearly", "the newest version of each of `N` years", &rules.Yearly},
	} {
		flags.IntVar(rule.count, "keep-"+rule.name, 0, "keep "+rule.what+"; -1: all")
	}
	flags.Var(&rules.Within, "keep-within", "keep versions at most this much older than the newest, such as 14d or 1y6m (months)")
	flags.Var(&rules.History, "keep-history", "keep the versions that a channel had within this time, such as 36h or 14d")
	flags.StringSliceVar(&rules.Versions, "keep-version", nil, "always keep these `VERSIONS`, such as those that a paper cites")
	flags.BoolVar(&rules.DryRun, "dry-run", false, "show which versions would be removed or kept, and why")
}

// showPruned tells what a prune did and what happens when.
func showPruned(r *cli.Reporter, done repository.Pruned) error {
	if r.JSON != nil {
		return r.Object(struct {
			Type string `json:"type"`
			repository.Pruned
		}{"result", done})
	}
	var rows [][]string
	for _, d := range done.Decisions {
		verdict := "keep"
		if !d.Keep {
			verdict = "remove"
		}
		rows = append(rows, []string{verdict, d.Version, d.Time.UTC().Format(time.DateOnly), strings.Join(d.Reasons, ", ")})
	}
	cli.WriteTable([]cli.Column{{Name: ""}, {Name: "VERSION"}, {Name: "BUILT", Rank: 2}, {Name: "WHY", Wrap: true}}, rows)
	for _, line := range PrunedLines(done) {
		fmt.Fprintln(cli.Stdout, line)
	}
	return nil
}

// PrunedLines says what was pruned and what stays, a line each.
func PrunedLines(done repository.Pruned) []string {
	would := func(did, would string) string {
		if done.DryRun {
			return would
		}
		return did
	}
	var lines []string
	if len(done.Withdrawn) > 0 {
		lines = append(lines, fmt.Sprintf("%s %s; a prune after %s removes the files", cli.Count(len(done.Withdrawn), "version"),
			would("withdrawn", "would be withdrawn"), done.Withdrawn[0].NotBefore.UTC().Format("2006-01-02 15:04 UTC")))
	}
	if done.Files > 0 {
		lines = append(lines, fmt.Sprintf("%s, %s %s%s", cli.Count(done.Files, "file"), bytesize.Of(done.Bytes), would("removed", "would be removed"), inBrackets(done.Removed)))
	}
	if waiting := len(done.Waiting) - len(done.Withdrawn); waiting > 0 {
		lines = append(lines, fmt.Sprintf("%s withdrawn earlier, not yet removed", cli.Count(waiting, "version")))
	}
	if len(lines) == 0 {
		lines = []string{"nothing to remove"}
	}
	return lines
}

func inBrackets(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return " (" + strings.Join(versions, ", ") + ")"
}
