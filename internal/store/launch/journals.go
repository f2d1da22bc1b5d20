package launch

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// journalsPatience is for all that a machine is asked when it is late.
const journalsPatience = 3 * time.Minute

// keepJournals asks a machine that is late for the journals of what serves in it. It
// returns their file, "" if they could not be had, and what died. A machine that does
// not tell is as late as one that does.
func (r *run) keepJournals(ctx context.Context) (path string, died error) {
	ctx, cancel := context.WithTimeout(ctx, journalsPatience)
	defer cancel()
	phase := event.Start(r.sink, PhaseJournals, "of what serves")
	units, err := r.inspectUnits(ctx)
	path = JournalsOf(r.settings.Console)
	if err == nil {
		err = writeJournals(path, units)
	}
	if phase.End(event.OK, "kept", err) != nil {
		path = ""
	}
	return path, units.Steady()
}

func (r *run) inspectUnits(ctx context.Context) (serving.Units, error) {
	g, err := guest.Dial(ctx, r.vm.Addr(sshPort), "root", r.key, dialAgain, r.vm)
	if err != nil {
		return serving.Units{}, err
	}
	defer func() { _ = g.Close() }()
	return serving.InspectUnits(ctx, g)
}

// JournalsOf is the file beside a console's that gets the journals of a machine that
// was late.
func JournalsOf(console string) string { return strings.TrimSuffix(console, ".log") + ".journals" }

// writeJournals writes them one after the other, each below its name.
func writeJournals(path string, units serving.Units) error {
	var all bytes.Buffer
	files := units.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&all, "==> %s <==\n%s\n", name, files[name])
	}
	return os.WriteFile(path, all.Bytes(), 0o600)
}
