// Package doctor finds out what this host can do, for builds and for people who
// use images, by doing it.
package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// State is how a check came out.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Slow    State = "slow"    // builds work, but take longer
	Missing State = "missing" // builds do not work
	Absent  State = "absent"  // what only some builds need
)

// limit bounds each check: nothing that takes longer is any use to a build.
const limit = 2 * time.Minute

// Finding is the outcome of one check.
type Finding struct {
	Name  string  `json:"name"`
	State State   `json:"state"`
	Text  string  `json:"text"`           // what was found
	Cost  string  `json:"cost,omitempty"` // what it means for a build
	Cure  string  `json:"cure,omitempty"` // the one command that helps
	Took  float64 `json:"seconds"`
}

// Host is where this host keeps files, and where images come from.
type Host struct {
	Cache      cache.Dir
	Store      imagestore.Store
	Temp       string // directory for temporary files
	Repository string // "": none is used yet
}

// Local returns this host as its environment describes it.
func Local(c cache.Dir, s imagestore.Store, repository string) Host {
	return Host{Cache: c, Store: s, Temp: os.TempDir(), Repository: repository}
}

// check is one thing that is tried.
type check struct {
	name string
	try  func(context.Context, Host) Finding
}

// checks are in the order in which a build needs them.
var checks = []check{
	{"tools", tools},
	{"namespaces", namespaces},
	{"archive", archive},
	{"qemu", qemuVersion},
	{"accelerator", accelerators},
	{"firmware", firmware},
	{"foreign", foreign},
	{"memory", memory},
	{"cache", cacheSpace},
	{"shared-cache", sharedCache},
	{"temp", tempSpace},
	{"store", storeSpace},
	{"loopback", loopback},
	{"proxies", proxies},
	{"repository", answers},
}

// Names returns the names of all checks.
func Names() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// Run tries what has one of the names, or everything if there are none, and
// tells each result as soon as it is known. It returns how many things are
// missing.
func Run(ctx context.Context, h Host, names []string, tell func(Finding)) int {
	missing := 0
	for _, c := range checks {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		r := c.run(ctx, h)
		if r.State == Missing {
			missing++
		}
		tell(r)
	}
	return missing
}

func (c check) run(ctx context.Context, h Host) Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	start := time.Now()
	r := c.try(ctx, h)
	r.Text, r.Cure = address.ShownIn(r.Text), address.ShownIn(r.Cure)
	r.Name, r.Took = c.name, time.Since(start).Round(time.Millisecond).Seconds()
	return r
}

func ok(format string, args ...any) Finding {
	return Finding{State: OK, Text: fmt.Sprintf(format, args...)}
}

func missing(cure, format string, args ...any) Finding {
	return Finding{State: Missing, Text: fmt.Sprintf(format, args...), Cost: "no image can be built", Cure: cure}
}
