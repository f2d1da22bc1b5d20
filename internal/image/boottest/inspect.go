package boottest

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// aboutPath is where the provisioner writes what it has installed.
const aboutPath = "/usr/share/amigo-image/about.json"

// dataAboutPath is where a disk with data says what they are, in the same form.
const dataAboutPath = "/srv/golr/current/about.json"

// changelogsPath is where the bootstrap keeps what the packages' changelogs say
// of security fixes.
const changelogsPath = "/usr/share/amigo-image/changelogs.gz"

// commitsPath is where the provisioner writes what AmiGO's source is built on.
const commitsPath = "/usr/share/amigo-image/" + manifest.CommitsName

// About is the content of about.json in the image.
type About struct {
	AmiGO struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Source  string `json:"source"`
	} `json:"amigo"`
	GOlr  manifest.GOlr `json:"golr"`
	Serve string        `json:"serve"`
	Test  struct {
		Search string `json:"search"` // the label of a term in the index, or a word of it
		Term   string `json:"term"`   // the identifier of a term in the index
	} `json:"test"`
}

// Facts is what a running image says of itself.
type Facts struct {
	About    About
	Packages []manifest.Package
	// Changelogs are those of the packages whose changelogs the image knows.
	Changelogs []manifest.Changelog `json:"-"`
	// Commits are the last ones of AmiGO, if the image knows any.
	Commits []manifest.Commit `json:"-"`
	Kernel  string
	System  string // os-release's PRETTY_NAME
}

// section is one question to the running machine: a name and the shell
// command that answers it.
type section struct{ name, command string }

// sections are asked in one go, because each SSH session costs an emulated
// machine seconds.
var sections = []section{
	{"state", "timeout SETTLE systemctl is-system-running --wait"},
	{"failed", "systemctl list-units --failed --plain --no-legend"},
	{"journal", "for unit in $(systemctl list-units --failed --plain --no-legend | cut -d' ' -f1); do journalctl -b --no-pager -n 100 -u \"$unit\"; done"},
	{"about", "cat " + aboutPath},
	{"data", "cat " + dataAboutPath},
	{"packages", "list_packages"},
	{"changelogs", "base64 " + changelogsPath},
	{"commits", "cat " + commitsPath},
	{"kernel", "uname -r"},
	{"system", ". /etc/os-release && echo \"$PRETTY_NAME\""},
	{"hostname", "cat /proc/sys/kernel/hostname"},
	{"machine-id", "cat /etc/machine-id"},
	{"host-key", "cat /etc/ssh/ssh_host_ed25519_key.pub"},
	{"root-keys", "cat /root/.ssh/authorized_keys"},
	{"listeners", "ss -Hltn | awk '{print $4}'"},
	{"operators", "getent group \"$operators\" | cut -d: -f4 | tr , '\\n'"},
	{"passwords", "for user in root $(getent group \"$operators\" | cut -d: -f4 | tr , ' '); do passwd -S \"$user\"; done"},
	{"certificates", "ls -A \"$anchors\""},
	{"exposure", "systemd-analyze security --no-pager apache2.service jetty9.service amigo-workers.service | grep 'Overall exposure level' | sed \"s/ $web:/ apache2.service:/\""},
	{"restarts", "systemctl show -p Id -p Restart -p StartLimitIntervalUSec apache2.service jetty9.service amigo-workers.service | sed \"s/^Id=$web$/Id=apache2.service/\""},
	{"reserve", "stat -f -c '%f %a %S' /"},
	{"journals", "ls -A /var/log/journal"},
	{"boots", "journalctl --list-boots --no-pager --quiet | grep -v '^IDX'"},
	{"console", "cat /proc/sys/kernel/printk"},
	{"issue", "cat /etc/issue"},
	{"motd", "cat /etc/motd"},
}

// productionSections are also asked of a production image.
var productionSections = []section{
	{"programs", "for p in node npm git gcc cc g++ make; do command -v \"$p\"; done"},
	{"runtime", "cat /usr/share/amigo-image/runtime.list"},
	{"tree", "find /srv/amigo -mindepth 1 -printf '%P\\n'"},
	{"firewall", "nft list ruleset"},
	{"enabled", "systemctl is-enabled nftables.service unattended-upgrades.service apt-daily.timer apt-daily-upgrade.timer cloud-config.service"},
	{"upgrades", "apt-config dump APT::Periodic"},
	{"cloud-disabled", "ls /etc/cloud/cloud-init.disabled"},
	{"cloud-result", "cat /run/cloud-init/result.json"},
	{"flags", `grep -hoE "AMIGO_(BETA|VERBOSE)\}='[^']*'" /srv/amigo/perl/bin/config.pl; grep -rho --include='*.js' '"beta":"[^"]*"' /srv/amigo/static | sort -u`},
	{"sshd", "sshd -T"},
	{"reboot", "apt-config dump Unattended-Upgrade::Automatic-Reboot"},
}

// inspectScript asks everything. What fails answers nothing. settle is how many
// seconds systemd gets to finish starting.
func inspectScript(variant Variant, settle int) string {
	asked := sections
	if variant == Production {
		asked = append(asked[:len(asked):len(asked)], productionSections...)
	}
	var script strings.Builder
	script.WriteString("set +e\nexport LC_ALL=C\n" + distro.Prelude())
	for _, s := range asked {
		command := strings.ReplaceAll(s.command, "SETTLE", strconv.Itoa(settle))
		fmt.Fprintf(&script, "%s{ %s\n} </dev/null 2>/dev/null\n", guest.Section(s.name), command)
	}
	return script.String() + "true\n"
}

// inside is what the machine answered, by section.
type inside map[string]string

// text returns a section's answer.
func (i inside) text(name string) string { return i[name] }

// lines returns the lines of a section's answer.
func (i inside) lines(name string) []string {
	if i[name] == "" {
		return nil
	}
	return strings.Split(i[name], "\n")
}

// inspect asks the machine about itself and reads the facts.
func inspect(ctx context.Context, s subject) (inside, Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, s.spec.Limits.Inspect)
	defer cancel()
	settle := int(s.spec.Limits.Inspect.Seconds() * 3 / 4)
	output, err := s.guest.Output(ctx, inspectScript(s.spec.Variant, settle))
	s.evidence.keep("inspection.txt", []byte(output))
	if err != nil {
		return nil, Facts{}, err
	}
	told := inside(guest.Sections(output))
	facts, err := told.facts()
	return told, facts, err
}

func (i inside) facts() (Facts, error) {
	facts := Facts{Kernel: i.text("kernel"), System: i.text("system")}
	var faults []error
	if i.text("about") == "" {
		faults = append(faults, errors.New(aboutPath+" is missing"))
	} else if err := json.Unmarshal([]byte(i.text("about")), &facts.About); err != nil {
		faults = append(faults, fmt.Errorf("reading %s: %w", aboutPath, err))
	}
	if text := i.text("data"); text != "" {
		if err := json.Unmarshal([]byte(text), &facts.About); err != nil {
			faults = append(faults, fmt.Errorf("reading %s: %w", dataAboutPath, err))
		}
	}
	var err error
	if facts.Packages, err = manifest.ParsePackages(strings.NewReader(i.text("packages"))); err != nil {
		faults = append(faults, err)
	}
	if facts.Changelogs, err = i.changelogs(facts.Packages); err != nil {
		faults = append(faults, err)
	}
	if facts.Commits, err = manifest.ParseCommits(strings.NewReader(i.text("commits"))); err != nil {
		faults = append(faults, err)
	}
	return facts, errors.Join(faults...)
}

// changelogs reads what is kept of the packages' changelogs. An image that was
// made from somebody else's disk has nothing of that.
func (i inside) changelogs(installed []manifest.Package) ([]manifest.Changelog, error) {
	if i.text("changelogs") == "" {
		return nil, nil
	}
	content, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(i.text("changelogs"))))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", changelogsPath, err)
	}
	return manifest.ParseChangelogs(content, installed)
}
