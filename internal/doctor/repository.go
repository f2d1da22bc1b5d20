package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

const needStore = 4 * gib // an image, and the next one while it comes

func storeSpace(_ context.Context, h Host) Finding {
	r := space(h.Store.Path(), needStore, "XDG_DATA_HOME")
	if r.State == Missing {
		r.Cost = "no image can be fetched"
	}
	return r
}

// proxyVariables are what decides how servers are reached.
var proxyVariables = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"}

// proxies tells which proxies will be used, without their logins.
func proxies(context.Context, Host) Finding {
	var seen []string
	for _, name := range proxyVariables {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		seen = append(seen, name+"="+address.ShownProxy(value))
	}
	if len(seen) == 0 {
		return ok("none")
	}
	return ok("%s", strings.Join(seen, ", "))
}

// answers reads the state of the repository that is used, as one who sees it
// for the first time, and asks for a part of a file.
func answers(ctx context.Context, h Host) Finding {
	if h.Repository == "" {
		return ok("none is used yet")
	}
	dir, err := scratch.New(h.Temp, "doctor")
	if err != nil {
		return missing("export TMPDIR=DIR", "%s", reason(err))
	}
	defer dir.Close()
	patience := origin.DefaultPatience()
	patience.Unmet, patience.Total, patience.Idle = 5*time.Second, 5*time.Second, 5*time.Second
	repository, err := obtain.Open(ctx, imagestore.At(dir.Path()), h.Repository, patience, nil)
	if err != nil {
		return unanswered(h.Repository, err)
	}
	name := fmt.Sprintf("%d.root.json", repository.View.Root().Version)
	if err := ranges(ctx, repository.Origin(), layout.Metadata(name)); err != nil {
		return Finding{State: Slow, Text: reason(err), Cost: "every update fetches the whole image", Cure: "--from, with another address of the repository"}
	}
	return ok("%s, current until %s", address.Shown(h.Repository), repository.View.Expires().UTC().Format("2006-01-02 15:04 MST"))
}

func unanswered(repository string, err error) Finding {
	r := missing(inspectCommand(repository), "%s", reason(err))
	r.Cost = "no image can be fetched"
	if errors.As(err, new(*trust.ExpiredError)) {
		r.Cure = "date, to see whether this computer's clock is right"
	}
	return r
}

// inspectCommand is the command that looks at the repository's newest file, or says
// where that is if nobody may see its address.
func inspectCommand(repository string) string {
	from, err := origin.Open(repository)
	if err != nil {
		return ""
	}
	file := from.URL(layout.Metadata("timestamp.json"))
	if filepath.IsAbs(file) {
		return command.Cmd{Name: "ls", Args: []string{"-l", file}}.String()
	}
	if u, err := url.Parse(file); err != nil || u.RawQuery != "" {
		return "curl -I, with metadata/timestamp.json at the end of the address's path"
	}
	return command.Cmd{Name: "curl", Args: []string{"-I", file}}.String()
}

// ranges asks for the first byte of a file.
func ranges(ctx context.Context, from origin.Origin, path string) error {
	content, err := from.Fetch(ctx, path, 1<<20)
	if err != nil {
		return err
	}
	part, err := from.Range(ctx, path, 0, 1, int64(len(content)))
	if err != nil {
		return err
	}
	return part.Close()
}
