// Package publish is for those who publish images: publish, promote, roll back,
// prune and refresh.
package publish

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/keys"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Commands are for people and machines that publish.
func Commands(a *cli.App) []*cobra.Command {
	return []*cobra.Command{
		newPublishCommand(a), newPromoteCommand(a), newRollbackCommand(a), newPruneCommand(a), newRefreshCommand(a), newHistoryCommand(a),
	}
}

const exitStatusPublish = `
EXIT STATUS
  0    done, or there was nothing to do
  2    wrong arguments
  13   it failed; readers see what they saw before
  20   a host cannot be reached  21   a file is not what it should be
  22   a disk is full            24   another publisher holds the lock
  25   there is no such channel, version or key
  130  interrupted; the same command resumes`

// publisherFlags are the flags of all that change a repository.
type publisherFlags struct {
	keys.Dir
	to      string
	public  string
	issues  string
	name    string
	shot    string
	product string
	by      string
	reason  string
	wait    time.Duration
	single  bool
	begins  bool // a repository where there is none
}

// publisher completes a command that changes a repository.
func (p *publisherFlags) publisher(c *cobra.Command) *cobra.Command {
	c.GroupID = "publish"
	p.Add(c)
	p.addTo(c)
	flags := c.Flags()
	flags.StringVar(&p.public, "public-url", "", "the `URL` at which the public reads it: for the page, and to read back what was uploaded (remembered)")
	flags.StringVar(&p.product, "product", "", "the `NAME` that image files begin with (default: as before, or amigo)")
	flags.StringVar(&p.issues, "issues", "", "the `URL` where people ask for help, for the page; mailto: for e-mail (remembered)")
	flags.StringVar(&p.name, "publisher", "", "the `NAME` of who publishes, for the page (default: the host of the public URL; remembered)")
	flags.StringVar(&p.shot, "screenshot", "", "a `FILE` with a screenshot of AmiGO, a PNG of at most 1 MiB, for the page (remembered)")
	flags.StringVar(&p.by, "by", "", "who publishes, for the history (default user@host)")
	cli.DurationVar(flags, &p.wait, "wait", "how long to wait while another publisher holds the lock, such as 90s or 10m (minutes)")
	flags.BoolVar(&p.single, "single-publisher", false, "publish to a store that has no locks, where nobody else publishes")
	cli.Deliberate(flags, "single-publisher")
	return c
}

func (p *publisherFlags) addTo(c *cobra.Command) {
	c.Flags().StringVar(&p.to, "to", "", "the `REPOSITORY`: a directory, file://, s3://, gs:// or azblob://")
}

func (p *publisherFlags) checkTo(c *cobra.Command) error {
	if p.to == "" {
		return cli.Usage("which repository?", c.CommandPath()+" --to DIRECTORY-OR-URL, or export "+cli.Environment+"TO=..")
	}
	return nil
}

// withReason adds the flag of commands that a channel's history tells of.
func (p *publisherFlags) withReason(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.reason, "reason", "", "the reason, for the history")
	return c
}

// runChange opens the repository, changes it, and shows what was done.
func runChange[T any](a *cli.App, c *cobra.Command, p *publisherFlags,
	do func(ctx context.Context, r *repository.Repository) (T, error), show func(out *cli.Reporter, done T) error,
) error {
	if err := p.checkTo(c); err != nil {
		return err
	}
	ring, err := p.Ring()
	if err != nil {
		return err
	}
	out, err := a.Reporter(c.Name())
	if err != nil {
		return err
	}
	defer out.Close()
	r, err := repository.Open(c.Context(), p.to, ring, repository.Options{
		Product: p.product, PublicURL: p.public, Issues: p.issues, Publisher: p.name, Screenshot: p.shot,
		SinglePublisher: p.single, Wait: p.wait, By: p.by, Sink: out,
		Existing: !p.begins,
	})
	if err != nil {
		return publisherFault(c, p, err)
	}
	defer func() { _ = r.Close() }()
	done, err := do(c.Context(), r)
	if err != nil {
		return publisherFault(c, p, err)
	}
	return show(out, done)
}

// publisherFault completes the errors of a command that changes a repository. What
// nobody knows is a failed publication.
func publisherFault(c *cobra.Command, p *publisherFlags, err error) error {
	if err == nil {
		return nil
	}
	if ctx := c.Context(); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var all []error
	for _, f := range cli.FaultsOf(err) {
		if f.Code != fault.Usage {
			f.Kept = cmp.Or(f.Kept, "readers see what they saw before")
			f.Where = cmp.Or(f.Where, address.Shown(p.to))
		}
		if f.Code == fault.Other {
			f.Code = fault.Publish
		}
		all = append(all, f)
	}
	return errors.Join(all...)
}

// publisherLine is a command line for the same repository.
func publisherLine(p *publisherFlags, words ...string) string {
	return command.Cmd{Name: "amigo-image", Args: append(words, "--to", address.Shown(p.to))}.String()
}

// OrNothing names a version, or says that there was none.
func OrNothing(version string) string {
	if version == "" {
		return "(empty)"
	}
	return version
}
