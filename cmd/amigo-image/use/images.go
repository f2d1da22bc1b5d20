package use

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// defaultVariant is the variant for people who do not say which.
const defaultVariant = "distribution"

// RepositoryVariable names the repository to use, in the environment.
const RepositoryVariable = cli.Environment + "REPOSITORY"

// sourceFlags say where images come from.
type sourceFlags struct {
	from    string
	root    string
	offline bool
	wait    time.Duration
	hurry   bool // what is here does, too
	preview bool // what is seen of the repository is not remembered
}

func (s *sourceFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.from, "from", "", "the `REPOSITORY`, a URL or a directory; also "+RepositoryVariable)
	flags.StringVar(&s.root, "root", "", "trust this root `FILE` instead of the first one the repository shows")
	cli.DurationVar(flags, &s.wait, "patience", "how long to keep trying a server that fails or is silent, such as 30s or 10m (minutes; default 3m)")
	cli.Deliberate(flags, "from") // it has a variable with another name
}

// addOffline is for commands that can do without the repository.
func (s *sourceFlags) addOffline(flags *pflag.FlagSet) {
	flags.BoolVar(&s.offline, "offline", false, "do not contact the repository; use what was seen last")
}

// imageStore opens the user's store.
func imageStore() (imagestore.Store, error) {
	store, err := imagestore.Default()
	if err != nil {
		return store, &fault.Error{What: "there is no place for images", Try: "export XDG_DATA_HOME=DIR", Code: fault.Host, Err: err}
	}
	return store, nil
}

// isLocation tells an address of a repository from a name in it.
func isLocation(text string) bool {
	if strings.ContainsAny(text, "/:") || strings.HasPrefix(text, ".") {
		return true // or it is told why it is none
	}
	_, err := os.Stat(filepath.Join(text, layout.MetadataDir))
	return err == nil
}

// imageFile matches names that only files have.
var imageFile = regexp.MustCompile(`\.(qcow2|raw|img|vmdk|vdi|ova|iso)$`)

// checkFiles refuses names of image files that are not there, before they are
// taken for channels or repositories.
func checkFiles(names []string) error {
	var errs []error
	for _, name := range names {
		_, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) && imageFile.MatchString(name) && !strings.Contains(name, "://") {
			errs = append(errs, &fault.Error{What: "there is no file " + name, Code: fault.NotFound, Err: err})
		}
	}
	return errors.Join(errs...)
}

// split takes a repository's location off the front of arguments, of which as
// many as are given may follow it.
func (s *sourceFlags) split(c *cobra.Command, args []string, follow int) ([]string, error) {
	if len(args) > follow+1 || len(args) == 0 {
		return args, nil
	}
	info, err := os.Stat(args[0])
	more := len(args) > follow && (err == nil && info.IsDir() || address.Guess(args[0]) != "")
	if !more && !isLocation(args[0]) {
		return args, nil
	}
	if s.from != "" {
		line := append([]string{c.CommandPath(), "--from", address.Shown(s.from)}, args[1:]...)
		return nil, cli.Usage("the repository is named twice, as an argument and with --from", strings.Join(line, " "))
	}
	s.from = args[0]
	return args[1:], nil
}

// choose finds the repository that is meant: the flag or argument, the
// environment, the configuration in file, or the one that was used first. It
// may be none, "".
func (s *sourceFlags) choose(store imagestore.Store) (location, file string, err error) {
	configured, file, err := configuredRepository()
	if err != nil {
		return "", file, err
	}
	known, err := store.Known()
	if err != nil {
		return "", file, err
	}
	location = cmp.Or(s.from, os.Getenv(RepositoryVariable), configured, known.Repository)
	if location == "" {
		return "", file, nil
	}
	if location, err = absolute(location); err != nil {
		return "", file, err
	}
	if !strings.ContainsAny(location, "?#") { // there it may be a token's
		location = strings.TrimRight(location, "/")
	}
	return location, file, nil
}

// absolute checks the address of a repository; a path becomes a whole one.
func absolute(location string) (string, error) {
	place, err := address.Parse(location)
	if err != nil || place.Dir != location {
		return location, err
	}
	if _, err := os.Stat(location); errors.Is(err, fs.ErrNotExist) && address.Guess(location) != "" {
		return "", &address.InvalidError{Given: location, Why: "there is no such directory", Meant: address.Guess(location)}
	}
	return filepath.Abs(location)
}

// location is [sourceFlags.choose] for those who need one.
func (s *sourceFlags) location(store imagestore.Store) (string, error) {
	location, file, err := s.choose(store)
	if location != "" || err != nil {
		return location, err
	}
	return "", &fault.Error{
		What: "no image repository is known yet", Code: fault.Usage,
		Try: "amigo-image pull https://images.example.org stable\nwith the address that the publisher names; it is remembered.\n" +
			"Or export " + RepositoryVariable + "=URL\nor write {\"repository\": \"URL\"} to\n" + file,
	}
}

// configuredRepository reads the one configuration file, which may be missing.
func configuredRepository() (repository, file string, err error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", "config.json", nil //nolint:nilerr // there is none
	}
	file = filepath.Join(dir, "amigo-image", "config.json")
	content, err := regular.ReadFile(file, regular.Document)
	if errors.Is(err, fs.ErrNotExist) {
		return "", file, nil
	}
	var config struct {
		Repository string `json:"repository"`
	}
	if err == nil {
		err = json.Unmarshal(content, &config)
	}
	if err != nil {
		return "", file, &fault.Error{What: "the configuration cannot be read", Where: file + ": " + err.Error(), Code: fault.Usage, Err: err}
	}
	return config.Repository, file, nil
}

// open reads the state of the repository that is meant.
func (s *sourceFlags) open(ctx context.Context, r *cli.Reporter, store imagestore.Store) (*obtain.Repository, error) {
	location, err := s.location(store)
	if err != nil {
		return nil, err
	}
	var pin []byte
	if s.root != "" {
		if pin, err = regular.ReadGiven(ctx, s.root, regular.Document); err != nil {
			return nil, fmt.Errorf("reading the root to trust: %w", err)
		}
	}
	repository, err := obtain.Open(ctx, store, location, s.patience(r), pin)
	if err != nil {
		return nil, err
	}
	s.introduce(r, repository)
	return repository, s.remember(ctx, store, repository, false)
}

// introduce shows the root that is trusted from now on: the next command only
// compares with it.
func (s *sourceFlags) introduce(r *cli.Reporter, repository *obtain.Repository) {
	root := repository.View.Root()
	if root.PinnedNow {
		r.Say("root %d of %s is %s\n  its sha256, which the publisher can confirm:\n  %s", root.Version, repository.Location, pinned(root, s.preview), root.SHA256)
	}
}

// patience is how long to wait for the repository, and says so.
func (s *sourceFlags) patience(r *cli.Reporter) origin.Patience {
	p := origin.DefaultPatience()
	if s.wait > 0 {
		p.Total, p.Unmet, p.Idle = s.wait, min(p.Unmet, s.wait), min(p.Idle, s.wait)
	}
	if s.hurry {
		p.Unmet, p.Total = 2*time.Second, 10*time.Second
	}
	p.Waiting = func(url string) {
		r.Emit(event.Event{Type: event.Message, Text: "still waiting for " + url})
	}
	p.Notify = func(err error, wait time.Duration) {
		if wait > time.Second {
			text := fmt.Sprintf("%s; trying again in %d s", fault.Of(err).What, int(wait.Seconds()+0.5))
			r.Emit(event.Event{Type: event.Message, Text: text})
		}
	}
	return p
}

// remember keeps what was seen of the repository that is used without a name, for
// completion and for when the network is away. first makes it that if there is
// none yet.
func (s *sourceFlags) remember(ctx context.Context, store imagestore.Store, r *obtain.Repository, first bool) error {
	known, err := store.Known()
	if err != nil {
		return err
	}
	if !address.Same(known.Repository, r.Location) && (known.Repository != "" || !first) {
		return nil
	}
	choices, channels, err := r.Choices(ctx)
	if err != nil {
		return err
	}
	known = imagestore.Known{Repository: r.Location, Channels: channels, Revoked: map[string]string{}, Seen: time.Now().UTC().Truncate(time.Second)}
	for _, c := range choices {
		known.Versions = append(known.Versions, c.Version)
		if c.Revoked != nil {
			known.Revoked[c.Version] = c.Revoked.Reason
		}
	}
	return store.Remember(known)
}

// localNames are the names that commands take without asking anybody: those of
// machines, of images, and of what was last seen of the repository.
func localNames(ctx context.Context) []string {
	store, err := imageStore()
	if err != nil {
		return nil
	}
	known, _ := store.Known()
	names := slices.Clone(known.Versions)
	for channel := range known.Channels {
		names = append(names, channel)
	}
	images, _ := store.Images()
	for _, i := range images {
		names = append(names, i.Version)
	}
	machines, _ := store.Machines(ctx)
	for _, m := range machines {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// date is a day for people, or "-".
func date(text string) string { return cmp.Or(text, "-") }

// labelOf names an image for people: the version, and the variant unless it is
// the usual one.
func labelOf(version, variant string) string {
	if variant == defaultVariant {
		return version
	}
	return imagestore.ImageName(version, variant)
}
