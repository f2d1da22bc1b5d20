package boottest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// servedUnits are what an image serves AmiGO with. An image may lack some.
var servedUnits = []string{"apache2.service", "jetty9.service", "amigo-workers.service"}

// unitsScript asks for the restarts and the journal of each unit that serves,
// and for what Java writes when it dies: where its unit tells it to, and in its
// private /tmp where that was not possible. The newest part of each is enough.
func unitsScript() string {
	var script strings.Builder
	script.WriteString("set +e\nexport LC_ALL=C\n")
	for _, unit := range servedUnits {
		fmt.Fprintf(&script, `if [ "$(systemctl show -p LoadState --value %[1]s)" = loaded ]; then
echo '%[2]srestarts %[1]s'; systemctl show -p NRestarts --value %[1]s
echo '%[2]sjournal %[1]s'; journalctl -b --no-pager -o short-iso -u %[1]s | tail -c 200000
fi
`, unit, marker)
	}
	fmt.Fprintf(&script, "echo '%shs_err'\ntail -q -c 100000 /var/log/jetty9/hs_err* /tmp/systemd-private-*-jetty9*/tmp/hs_err* 2>/dev/null\ntrue\n", marker)
	return script.String()
}

// unitsPatience is how long a machine that was just looked at may take to show
// its journals.
const unitsPatience = 3 * time.Minute

// steadyUnits keeps the journals of what serves, and checks that none of it
// died and came back in the meantime.
func steadyUnits(ctx context.Context, s *subject) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, unitsPatience)
	defer cancel()
	output, err := s.guest.Output(ctx, unitsScript())
	answers := parseInside(output)
	for _, unit := range servedUnits {
		if journal := answers.text("journal " + unit); journal != "" {
			s.evidence.keep("journal-"+strings.TrimSuffix(unit, ".service")+".log", []byte(journal+"\n"))
		}
	}
	if crash := answers.text("hs_err"); crash != "" {
		s.evidence.keep("hs_err.log", []byte(crash+"\n"))
	}
	if err != nil {
		return "", err
	}
	return "", restarts(answers)
}

// restarted is what the error of [restarts] says of a unit.
const restarted = " was restarted "

// restarts returns an error that names each unit that was restarted, with the
// line of its journal that says why.
func restarts(answers inside) error {
	var died []string
	for _, unit := range servedUnits {
		n, err := strconv.Atoi(answers.text("restarts " + unit))
		if err != nil || n == 0 {
			continue
		}
		text := strings.TrimSuffix(unit, ".service") + restarted + "once"
		if n > 1 {
			text = fmt.Sprintf("%s%s%d times", strings.TrimSuffix(unit, ".service"), restarted, n)
		}
		if cause := decisive(answers.lines("journal " + unit)); cause != "" {
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
