// Package deploy brings files to a guest: only those that it does not have
// already, in one stream, and restarts only what they change. On a fresh guest
// that is an installation, on one that holds AmiGO an upgrade in place.
package deploy

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Record is where a guest keeps the list of what was deployed.
const Record = site.Share + "/files"

// staging is where a deployment has its own script on the guest.
const staging = "/run/amigo-deploy.sh"

// Facts are what a guest is before a deployment.
type Facts struct {
	Distro    *distro.Distro
	Installed []string         // packages
	Files     fileset.Manifest // what was deployed before
	Free      int64            // bytes of its disk; 0 is not known
}

// RoomError says that what is to come does not fit on a guest's disk.
type RoomError struct{ Need, Free int64 } // bytes

func (e *RoomError) Error() string {
	return fmt.Sprintf("the guest's disk has %s free, and AmiGO and its data need at least %s (try: a larger disk_size)", bytesize.Of(e.Free), bytesize.Of(e.Need))
}

// Fault implements [fault.Reporter].
func (e *RoomError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Usage} }

// Room returns a [*RoomError] if so many bytes can't fit.
func (f Facts) Room(need int64) error {
	if f.Free > 0 && f.Free < need {
		return &RoomError{Need: need, Free: f.Free}
	}
	return nil
}

// separator parts the answers to several questions.
const separator = "-- next --"

// look asks a guest what it runs, which packages it has and what was deployed there.
func look() string {
	return distro.Prelude() + distro.Ask + "echo '" + separator + "'\nlist_packages\necho '" + separator + "'\ndf --block-size=1 --output=avail / | tail -n 1\necho '" + separator + "'\ncat " + Record + " 2>/dev/null || true\n"
}

// Look returns what a guest is. One whose distribution is not known, or whose answer is
// not understood, is an error.
func Look(ctx context.Context, guest remote.Runner) (Facts, error) {
	var out strings.Builder
	if err := guest.Run(ctx, remote.Command{Script: look(), Stdout: &out}); err != nil {
		return Facts{}, fmt.Errorf("looking at the guest: %w", err)
	}
	return parseFacts(out.String())
}

func parseFacts(answer string) (Facts, error) {
	parts := strings.SplitN(answer, separator+"\n", 4)
	if len(parts) != 4 {
		return Facts{}, fmt.Errorf("looking at the guest: its answer is not understood: %.200q", answer)
	}
	var facts Facts
	var err error
	if facts.Distro, _, err = distro.Told(parts[0]); err != nil {
		return Facts{}, fmt.Errorf("looking at the guest: its system can't be provisioned: %w", err)
	}
	facts.Installed = distro.Named(parts[1])
	facts.Free, _ = strconv.ParseInt(strings.TrimSpace(parts[2]), 10, 64)
	facts.Files, err = fileset.ParseManifest(strings.NewReader(parts[3]))
	return facts, err
}

// Deployment is what has to be done to a guest to bring it up to date.
type Deployment struct {
	Upload  []fileset.File
	Gone    []string // paths to remove, the deepest first
	Restart []string // services, in the order of their start; some may be gone
	Reload  bool     // of systemd's own configuration
	Size    int64    // bytes of content to upload
}

// Empty tells whether there is nothing to do.
func (p Deployment) Empty() bool { return len(p.Upload) == 0 && len(p.Gone) == 0 }

// Compare returns what brings a guest from old to files, and the record of it.
func Compare(files fileset.Set, old fileset.Manifest) (Deployment, fileset.Manifest, error) {
	manifest, err := files.Manifest()
	if err != nil {
		return Deployment{}, nil, err
	}
	var plan Deployment
	changed, gone := manifest.Diff(old)
	for _, at := range changed {
		plan.Upload = append(plan.Upload, files[at])
		plan.Size += files[at].Size()
	}
	plan.Gone = gone
	touched := append(append([]string{}, changed...), gone...)
	plan.Restart = affected(touched)
	for _, at := range touched {
		plan.Reload = plan.Reload || strings.HasPrefix(at, "/etc/systemd/")
	}
	return plan, manifest, nil
}

// readers says which service reads what, by the beginnings of paths.
var readers = []struct {
	service string
	paths   []string
}{
	{"systemd-resolved", []string{"/etc/systemd/resolved.conf.d/"}},
	{"amigo-data", []string{unit("amigo-data"), site.Share + "/data.sh", site.Share + "/schema"}},
	{"jetty9", []string{unit("jetty9"), "/usr/share/jetty9/", site.Share + "/golr.sh", site.Share + "/schema", site.SolrHome + "/"}},
	{"amigo-workers", []string{
		unit("amigo-workers"), site.Share + "/app.psgi", "/srv/amigo/perl/",
		"/srv/amigo/templates/", "/srv/amigo/conf/", "/srv/amigo/javascript/npm/",
	}},
	{"apache2", []string{
		"/etc/apache2/", "/etc/httpd/", unit("apache2"), unit("httpd"),
	}},
	{"amigo-status.timer", []string{"/etc/systemd/system/amigo-status."}},
}

// unit is where a service of ours is described.
func unit(service string) string { return "/etc/systemd/system/" + service + ".service" }

// holders are the services that must not have their files changed under them.
var holders = []string{"jetty9", "amigo-workers"}

func affected(touched []string) []string {
	var services []string
	for _, reader := range readers {
		if touches(touched, reader.paths) {
			services = append(services, reader.service)
		}
	}
	return services
}

func touches(touched, beginnings []string) bool {
	for _, at := range touched {
		for _, beginning := range beginnings {
			if strings.HasPrefix(at, beginning) {
				return true
			}
		}
	}
	return false
}

// Options are about what else a deployment sees to.
type Options struct {
	Operator string // who may log in
	Group    string // whose members may become root
	Workers  bool   // amigo-workers is one of the services
	Absent   []string
	Wait     time.Duration // for AmiGO's answer, if the guest is serving
	Output   io.Writer
	Progress func(done, total int64) // bytes of content; may be nil
}

// Run carries plan out. The record is written last, so that a deployment that
// was interrupted is done again.
func Run(ctx context.Context, guest remote.Runner, plan Deployment, record fileset.Manifest, o Options) error {
	files := append([]fileset.File{}, plan.Upload...)
	files = append(files, fileset.Text(staging, script(plan, o)), fileset.Text(Record+".new", record.String()))
	done := int64(0)
	tell := func(n int64) {
		done += n
		if o.Progress != nil {
			o.Progress(min(done, plan.Size), plan.Size)
		}
	}
	stream := remote.Compress(func(w io.Writer) error {
		return fileset.WriteTar(w, files, time.Now().Truncate(time.Second), tell)
	})
	defer func() { _ = stream.Close() }()
	err := guest.Run(ctx, remote.Command{Script: receive(plan), Stdin: stream, Stdout: o.Output, Stderr: o.Output})
	if err != nil {
		return fmt.Errorf("bringing AmiGO to the guest: %w", err)
	}
	return nil
}

// receive is what a guest does with the stream.
func receive(plan Deployment) string {
	stop := ""
	for _, service := range plan.Restart {
		if slices.Contains(holders, service) {
			stop += " " + service + ".service"
		}
	}
	if stop != "" {
		stop = fmt.Sprintf("if systemctl is-active --quiet apache2; then systemctl stop%s 2>/dev/null || true; fi\n", stop)
	}
	return stop + "tar --zstd -xf - -C / --no-overwrite-dir\nexec sh -eu " + path.Clean(staging) + "\n"
}
