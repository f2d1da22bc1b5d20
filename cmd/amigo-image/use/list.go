package use

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// shownVersions is how many versions of a repository are listed; more with
// --all.
const shownVersions = 10

func newListCommand(a *cli.App) *cobra.Command {
	var f sourceFlags
	var all bool
	c := &cobra.Command{
		Use:     "list [REPOSITORY]",
		GroupID: "use",
		Short:   "list images and machines, here and in the repository",
		Long: `List the versions in the repository, the images here, and the machines that are
kept or running. Without a network, list shows only what is here. The size of an
update is the publisher's measurement; other images here can make it smaller.

EXIT STATUS
  0    listed
  20   the repository that was named cannot be reached
  21   the repository cannot be trusted`,
		Example:           "  amigo-image list\n  amigo-image list https://images.example.org\n  amigo-image list --json | jq 'select(.local > 0) | .version'",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, args []string) error { return runList(a, c, args, &f, all) },
	}
	f.add(c.Flags())
	f.addOffline(c.Flags())
	c.Flags().BoolVar(&all, "all", false, "list every version in the repository")
	return c
}

// listed is one line of the list.
type listed struct {
	Type     string   `json:"type"` // "image" or "machine"
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	Variant  string   `json:"variant,omitempty"`
	Channels []string `json:"channels,omitempty"`
	Date     string   `json:"go_data,omitempty"`
	Example  bool     `json:"example,omitempty"` // the data are not a release, and must not be cited
	AmiGO    string   `json:"amigo,omitempty"`
	Local    int64    `json:"local"`              // bytes here
	Download int64    `json:"download,omitempty"` // bytes of the whole file of frames
	State    string   `json:"state"`
	Revoked  string   `json:"revoked,omitempty"` // why its publisher says not to use it
	// Update is how many bytes an update fetches at most, if that is known.
	Update *int64     `json:"update,omitempty"`
	URL    string     `json:"url,omitempty"` // of a machine that runs
	Used   *time.Time `json:"used,omitempty"`

	created time.Time
	updates map[string]int64 // bytes from each older version, by its name
}

func runList(a *cli.App, c *cobra.Command, args []string, f *sourceFlags, all bool) error {
	rest, err := f.split(c, args, 0)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return cli.Usage(fmt.Sprintf("%q is not the address of a repository", rest[0]), "amigo-image info "+rest[0])
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("list")
	if err != nil {
		return err
	}
	defer r.Close()
	images, err := store.Images()
	if err != nil {
		return err
	}
	machines, err := store.Machines(c.Context())
	if err != nil {
		return err
	}
	repository, err := f.openOrNil(c.Context(), r, store)
	if err != nil {
		return err
	}
	lines, err := listRepository(c.Context(), repository, all)
	if err != nil {
		return err
	}
	known, err := store.Known()
	if err != nil {
		return err
	}
	lines = withImages(lines, images, known)
	if repository == nil {
		withKnown(r, known, lines)
	}
	withStates(lines, machines, time.Now())
	lines = withMachines(lines, machines)
	return showList(c.Context(), a, r, store, lines)
}

// openOrNil opens the repository to list. One that was not named may be away: that
// gives nil.
func (f *sourceFlags) openOrNil(ctx context.Context, r *cli.Reporter, store imagestore.Store) (*obtain.Repository, error) {
	location, _, err := f.choose(store)
	if f.offline || location == "" || err != nil {
		return nil, err
	}
	f.hurry = f.from == ""
	repository, err := f.open(ctx, r, store)
	if err == nil || f.from != "" || ctx.Err() != nil || fault.Of(err).Code != fault.Network {
		return repository, err
	}
	r.Say("%s; listing what is here", fault.Of(err).What)
	return nil, nil
}

// listRepository lists the repository, which may be nil.
func listRepository(ctx context.Context, repository *obtain.Repository, all bool) ([]listed, error) {
	if repository == nil {
		return nil, nil
	}
	choices, current, err := repository.Choices(ctx)
	if err != nil {
		return nil, err
	}
	var lines []listed
	for _, choice := range choices {
		if !all && !choice.Current && len(lines) >= shownVersions {
			continue
		}
		version, _, err := repository.Manifest(ctx, choice)
		if err != nil {
			return nil, err
		}
		lines = append(lines, remoteLine(choice, version, current))
	}
	return lines, nil
}

func remoteLine(choice obtain.Choice, v layout.VersionManifest, current map[string]string) listed {
	line := imageLine(v, usual(v))
	line.Channels = channelsAt(choice.Version, current)
	if choice.Revoked != nil {
		line.Revoked = choice.Revoked.Reason
	}
	return line
}

// channelsAt returns the channels that are at a version, of those that current gives
// the versions of.
func channelsAt(version string, current map[string]string) []string {
	var channels []string
	for _, channel := range slices.Sorted(maps.Keys(current)) {
		if current[channel] == version {
			channels = append(channels, channel)
		}
	}
	return channels
}

// data is what the table has for them.
func (l listed) data() string {
	if l.Example {
		return "example"
	}
	return date(l.Date)
}

func imageLine(v layout.VersionManifest, variant string) listed {
	line := listed{
		Type: "image", Name: labelOf(v.Version, variant), Version: v.Version, Variant: variant,
		Date: v.GOlr.Date, Example: manifest.IsExample(v.GOlr.DOI), AmiGO: v.AmiGO.Version, created: v.Created,
	}
	image, err := v.Image(variant)
	if err != nil {
		return line
	}
	line.updates, line.Download = image.Updates, framesOf(v, image)
	if data, apart := v.DataOf(image); apart {
		line.Download += framesOf(v, data)
		line.updates = both(image.Updates, data.Updates)
	}
	return line
}

// framesOf is how many bytes the whole of an image takes to fetch, or 0.
func framesOf(v layout.VersionManifest, image layout.Image) int64 {
	frames, err := v.File(image, layout.Chunks)
	if err != nil {
		return 0
	}
	return frames.Size
}

// both are the updates of two images, from the versions of which both are known.
func both(one, other map[string]int64) map[string]int64 {
	sum := map[string]int64{}
	for version, bytes := range one {
		if more, known := other[version]; known {
			sum[version] = bytes + more
		}
	}
	return sum
}

// servedBy finds the line of an image that serves the data of another one.
func servedBy(data imagestore.Image, lines []listed) int {
	return slices.IndexFunc(lines, func(l listed) bool {
		if data.HasSystem() || l.Type != "image" || l.Version != data.Version || l.Local == 0 {
			return false
		}
		image, err := data.Manifest.Image(l.Variant)
		return err == nil && image.Data == data.Variant
	})
}

// withImages adds the images that are here, and why their publisher says not to use
// them, as it was seen last.
func withImages(lines []listed, images []imagestore.Image, known imagestore.Known) []listed {
	images = slices.SortedStableFunc(slices.Values(images), func(a, b imagestore.Image) int { return layout.DataLast(a.Variant, b.Variant) })
	for _, image := range images {
		if at := servedBy(image, lines); at >= 0 {
			lines[at].Local += image.Allocated
			continue
		}
		at := slices.IndexFunc(lines, func(l listed) bool { return l.Version == image.Version && l.Variant == image.Variant })
		if at < 0 {
			line := imageLine(image.Manifest, image.Variant)
			for _, l := range lines {
				if l.Version == image.Version {
					line.Channels = l.Channels
				}
			}
			lines, at = append(lines, line), len(lines)
		}
		used := image.Used.UTC().Truncate(time.Second)
		lines[at].Local, lines[at].Used = image.Allocated, &used
		lines[at].Revoked = cmp.Or(lines[at].Revoked, known.RevokedImage(image))
	}
	slices.SortStableFunc(lines, func(a, b listed) int { return b.created.Compare(a.created) })
	return lines
}

// withKnown adds the channels of images that are here, as they were last seen.
func withKnown(r *cli.Reporter, known imagestore.Known, lines []listed) {
	found := false
	for i, l := range lines {
		lines[i].Channels = channelsAt(l.Version, known.Channels)
		found = found || len(lines[i].Channels) > 0
	}
	if found {
		r.Say("channels as of %s", known.Seen.Format(time.DateOnly))
	}
}

// newestHere returns when the newest image that is here was made.
func newestHere(lines []listed) (newest time.Time) {
	for _, l := range lines {
		if l.Local > 0 && l.created.After(newest) {
			newest = l.created
		}
	}
	return newest
}

// withStates says of each image what can be said in two words.
func withStates(lines []listed, machines []imagestore.Machine, now time.Time) {
	newest := newestHere(lines)
	for i, l := range lines {
		switch {
		case l.Revoked != "":
			lines[i].State = "revoked"
		case l.Local == 0 && len(l.Channels) > 0 && l.created.After(newest) && !newest.IsZero():
			lines[i].State, lines[i].Update = "update", update(l, lines)
		case l.Local == 0:
			lines[i].State = "-"
		default:
			lines[i].State = imagestore.Unused(*l.Used, now)
		}
		for _, m := range machines {
			if m.Version == l.Version && m.Variant == l.Variant && m.Lives() && !m.Kept {
				lines[i].State, lines[i].URL, lines[i].Update = stateOf(m), m.URL, nil
			}
		}
	}
}

// update returns what a pull fetches at most: what the publisher has measured
// from the nearest of the images that are here. Without that it is not known.
func update(of listed, lines []listed) (least *int64) {
	for _, l := range lines {
		bytes, known := of.updates[l.Version]
		if known && l.Local > 0 && l.Variant == of.Variant && (least == nil || bytes < *least) {
			least = &bytes
		}
	}
	return least
}

// text is the state as people read it.
func (l listed) text() string {
	if l.Update == nil {
		return l.State
	}
	return l.State + " " + bytesize.Of(*l.Update)
}

func stateOf(m imagestore.Machine) string {
	if m.State == imagestore.Running {
		return fmt.Sprintf("running :%d", m.Port)
	}
	return string(m.State)
}

// withMachines adds the machines that were kept, and those that no image's line
// shows.
func withMachines(lines []listed, machines []imagestore.Machine) []listed {
	for _, m := range machines {
		shown := slices.ContainsFunc(lines, func(l listed) bool {
			return l.Type == "image" && m.Version == l.Version && m.Variant == l.Variant && stateOf(m) == l.State && m.URL == l.URL
		})
		if !m.Kept && shown {
			continue
		}
		lines = append(lines, listed{
			Type: "machine", Name: m.Name, Version: m.Version, Variant: m.Variant,
			Channels: []string{kind(m)},
			Date:     m.Date, Example: manifest.IsExample(m.DOI), Local: m.Allocated, State: stateOf(m), URL: m.URL,
		})
	}
	return lines
}

// kind is what a machine has for a channel.
func kind(m imagestore.Machine) string {
	switch {
	case m.Kept:
		return "(kept)"
	case m.Version == "":
		return "(file)"
	default:
		return "(another)"
	}
}

var listColumns = []cli.Column{
	{Name: "VERSION"}, {Name: "CHANNEL", Rank: 2}, {Name: "GO DATA", Rank: 3}, {Name: "AMIGO", Rank: 5}, {Name: "SIZE", Rank: 4}, {Name: "LOCAL", Rank: 1}, {Name: "STATE"},
}

func showList(ctx context.Context, a *cli.App, r *cli.Reporter, store imagestore.Store, lines []listed) error {
	if a.JSON {
		var errs []error
		for _, l := range lines {
			errs = append(errs, r.Object(l))
		}
		return errors.Join(errs...)
	}
	if len(lines) == 0 {
		r.Say("nothing is here yet; try: amigo-image pull https://images.example.org stable")
		return nil
	}
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{
			l.Name, strings.Join(l.Channels, ","), l.data(), cmp.Or(l.AmiGO, "-"), bytesOr(l.Download), bytesOr(l.Local), l.text(),
		})
	}
	for _, line := range cli.Table(listColumns, rows, terminal.Width(os.Stdout)-1) {
		fmt.Fprintln(cli.Stdout, line)
	}
	return summarize(ctx, r, store)
}

func bytesOr(n int64) string {
	if n == 0 {
		return "-"
	}
	return bytesize.Of(n)
}

// summarize tells what all takes, and what can be freed.
func summarize(ctx context.Context, r *cli.Reporter, store imagestore.Store) error {
	garbage, err := store.Garbage(ctx)
	if err != nil {
		return err
	}
	text := bytesize.Of(imagestore.Allocated(store.Path())) + " used"
	if freed := cli.Sum(garbage); freed > 0 {
		text += "; " + bytesize.Of(freed) + " can be freed: amigo-image gc --dry-run"
	}
	r.Say("%s", text)
	return nil
}
