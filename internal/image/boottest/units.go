package boottest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// unitChecks are the checks of the units that serve, and of what they need.
var unitChecks = []check{
	judge(confined).check("what serves is confined"),
	judge(triedAgain).check("what serves is tried again without end"),
	judge(reserve).check("the disk has a reserve"),
	judge(ownJournal).check("the journal is this machine's alone"),
	judge(quietConsole).check("the console is for who logs in"),
	judge(greeting).check("the console and the login say how to go on"),
}

// mostExposed is the exposure, as "systemd-analyze security" rates it from 0 to
// 10, that no unit that serves may go beyond.
const mostExposed = 3.0

var exposure = regexp.MustCompile(`Overall exposure level for (\S+): ([0-9.]+)`)

// serving returns the units that serve.
func (i inside) serving() []string {
	units := []string{"apache2.service", "jetty9.service"}
	if facts, err := i.facts(); err == nil && facts.About.Serve == "workers" {
		units = append(units, "amigo-workers.service")
	}
	return units
}

func confined(i inside) (string, error) {
	found := map[string]string{}
	for _, line := range exposure.FindAllStringSubmatch(i.text("exposure"), -1) {
		found[line[1]] = line[2]
	}
	var seen []string
	for _, unit := range i.serving() {
		level, err := strconv.ParseFloat(found[unit], 64)
		if err != nil {
			return "", fmt.Errorf("the exposure of %s is not known", unit)
		}
		if level > mostExposed {
			return "", fmt.Errorf("the exposure of %s is %.1f, more than %.1f", unit, level, mostExposed)
		}
		seen = append(seen, found[unit])
	}
	return "exposure " + strings.Join(seen, ", "), nil
}

// triedAgain reads "systemctl show": a unit that was started again too often
// would stay off when what ended it is over.
func triedAgain(i inside) (string, error) {
	blocks := strings.Split(i.text("restarts"), "\n\n")
	for _, unit := range i.serving() {
		at := slices.IndexFunc(blocks, func(block string) bool { return slices.Contains(strings.Split(block, "\n"), "Id="+unit) })
		if at < 0 {
			return "", fmt.Errorf("%s is not known", unit)
		}
		for _, setting := range []string{`(?m)^StartLimitIntervalUSec=0$`, `(?m)^Restart=(?:always|on-failure)$`} {
			if !regexp.MustCompile(setting).MatchString(blocks[at]) {
				return "", fmt.Errorf("%s: %s", unit, strings.ReplaceAll(blocks[at], "\n", ", "))
			}
		}
	}
	return "", nil
}

// leastReserve is how many MiB only root may fill.
const leastReserve = 64

// reserve reads free blocks, those that anybody may use, and their size.
func reserve(i inside) (string, error) {
	var free, available, size int64
	if _, err := fmt.Sscan(i.text("reserve"), &free, &available, &size); err != nil {
		return "", fmt.Errorf("reading the free space: %w", err)
	}
	kept := (free - available) * size >> 20
	if kept < leastReserve {
		return "", fmt.Errorf("%d MiB, less than %d", kept, leastReserve)
	}
	return fmt.Sprintf("%d MiB", kept), nil
}

// ownJournal reads the names of journals, each a machine's, and the number of
// boots in this one's.
func ownJournal(i inside) (string, error) {
	for _, name := range i.lines("journals") {
		if name != i.text("machine-id") {
			return "", fmt.Errorf("/var/log/journal holds %s", name)
		}
	}
	if boots := i.lines("boots"); len(boots) != 1 {
		return "", fmt.Errorf("it tells of %d boots", len(boots))
	}
	return "", nil
}

// quietConsole reads the kernel's log levels: messages below the first go to
// the console.
func quietConsole(i inside) (string, error) {
	level, _, _ := strings.Cut(i.text("console"), "\t")
	n, err := strconv.Atoi(level)
	switch {
	case err != nil:
		return "", errors.New("kernel.printk is not known")
	case n > 3:
		return "", fmt.Errorf("the kernel writes messages of level %d over it", n-1)
	}
	return "level " + level, nil
}

func greeting(i inside) (string, error) {
	for section, wanted := range map[string][]string{
		"issue": {`http://\4/`, "10.0.2.15", "http://127.0.0.1:9999/"},
		"motd":  {"Runs here:", "Logs:", "Update:"},
	} {
		for _, text := range wanted {
			if !strings.Contains(i.text(section), text) {
				return "", fmt.Errorf("%s does not say %q", section, text)
			}
		}
	}
	if strings.Contains(i.text("motd"), "ABSOLUTELY NO WARRANTY") {
		return "", errors.New("the message at login is Debian's")
	}
	return "", nil
}
