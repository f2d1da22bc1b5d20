package serving

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// unitNames are what an image serves AmiGO with. An image may lack some.
var unitNames = []string{"apache2", "jetty9", "amigo-workers"}

// Units is what a machine tells of what serves AmiGO in it, since it was switched
// on.
type Units struct{ answers map[string]string }

// Shell is a machine that runs scripts, such as a [guest.Guest].
type Shell interface {
	Output(ctx context.Context, script string) (string, error)
}

// InspectUnits asks a machine for the restarts and journals of what serves AmiGO.
// What came before an error comes with it.
func InspectUnits(ctx context.Context, machine Shell) (Units, error) {
	output, err := machine.Output(ctx, unitsScript())
	return Units{guest.Sections(output)}, err
}

// unitsScript asks for the restarts and the journal of each unit, and for what
// Java writes when it dies. The newest part of each is enough.
func unitsScript() string {
	var script strings.Builder
	script.WriteString("set +e\nexport LC_ALL=C\n")
	for _, unit := range unitNames {
		fmt.Fprintf(&script, "if [ \"$(systemctl show -p LoadState --value %[1]s.service)\" = loaded ]; then\n"+
			"%[2]ssystemctl show -p NRestarts --value %[1]s.service\n"+
			"%[3]sjournalctl -b --no-pager -o short-iso -u %[1]s.service | tail -c 200000\nfi\n",
			unit, guest.Section("restarts "+unit), guest.Section("journal "+unit))
	}
	script.WriteString(guest.Section("hs_err") +
		"tail -q -c 100000 /var/log/jetty9/hs_err* 2>/dev/null\ntrue\n")
	return script.String()
}

// Files are the journals, and what Java wrote when it died, under names for files.
func (u Units) Files() map[string][]byte {
	files := map[string][]byte{}
	for _, unit := range unitNames {
		if journal := u.answers["journal "+unit]; journal != "" {
			files["journal-"+unit+".log"] = []byte(journal + "\n")
		}
	}
	if crash := u.answers["hs_err"]; crash != "" {
		files["hs_err.log"] = []byte(crash + "\n")
	}
	return files
}

// Restarted is what the error of [Units.Steady] says of a unit.
const Restarted = " was restarted "

// Steady returns an error that names each unit that was restarted, with the line of
// its journal that says why.
func (u Units) Steady() error {
	var died []string
	for _, unit := range unitNames {
		n, err := strconv.Atoi(u.answers["restarts "+unit])
		if err != nil || n == 0 {
			continue
		}
		text := unit + Restarted + "once"
		if n > 1 {
			text = fmt.Sprintf("%s%s%d times", unit, Restarted, n)
		}
		if cause := decisive(strings.Split(u.answers["journal "+unit], "\n")); cause != "" {
			text += ": " + cause
		}
		died = append(died, text)
	}
	if len(died) > 0 {
		return errors.New(strings.Join(died, "; "))
	}
	return nil
}

// causes are what a journal's decisive line looks like, the best first: Java's
// own word of a signal, an error that ended it, systemd's view.
var causes = []*regexp.Regexp{
	regexp.MustCompile(`#\s+(SIG[A-Z]+ \(0x[0-9a-f]+\).*)`),
	regexp.MustCompile(`(java\.lang\.OutOfMemoryError.*|Out of memory: Killed process.*)`),
	regexp.MustCompile(`(Main process exited, code=.*|Failed at step .*|Failed with result .*)`),
}

func decisive(journal []string) string {
	for _, cause := range causes {
		for _, line := range slices.Backward(journal) {
			if found := cause.FindStringSubmatch(line); found != nil {
				return strings.TrimSpace(found[1])
			}
		}
	}
	return ""
}
