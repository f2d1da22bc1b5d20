package distro

import (
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Manager is how the packages of a running machine are listed, installed and removed: by
// scripts for its shell. They find the names of packages in $packages.
type Manager struct {
	Name    string `yaml:"name"`
	List    string `yaml:"list"`    // prints name, version and architecture, a package on a line
	Install string `yaml:"install"` // from the machine's own archives
	Purge   string `yaml:"purge"`   // and what nobody needs without them
	Upgrade string `yaml:"upgrade"` // the command for people
}

// Trust is where a machine has the certificate authorities that it trusts beyond its
// distribution's.
type Trust struct {
	Directory string `yaml:"directory"`
	Update    string `yaml:"update"` // the command after one has come
	Renew     string `yaml:"renew"`  // the command after one has gone
}

// Prelude is what a script for a machine of any distribution of the table begins with. It
// defines the function list_packages, which prints name, version and architecture of each
// package, and sets $operators, $web, $anchors, $update_anchors and $renew_anchors to what
// [Distro], [Web] and [Trust] have. On any other distribution there are no packages and no
// operators, and the commands do nothing.
func Prelude() string {
	var bodies []string
	names := map[string][]string{}
	for _, d := range load() {
		body := fmt.Sprintf("operators=%s web=%s anchors=%s update_anchors=%s renew_anchors=%s\nlist_packages() {\n%s}\n", d.Operators, d.Web.Unit,
			d.Trust.Directory, shellescape.Quote(d.Trust.Update), shellescape.Quote(d.Trust.Renew), d.Manager.List)
		if names[body] == nil {
			bodies = append(bodies, body)
		}
		names[body] = append(names[body], d.Name)
	}
	script := "operators= web= anchors=/nowhere update_anchors=: renew_anchors=:\nlist_packages() { :; }\ncase $(. /etc/os-release; echo \"$ID\") in\n"
	for _, body := range bodies {
		script += strings.Join(names[body], " | ") + ")\n" + body + ";;\n"
	}
	return script + "esac\n"
}

// InstallPackages is a script that installs packages, or "" for none.
func (m Manager) InstallPackages(names []string) string { return with(names, m.Install) }

// PurgePackages is a script that removes packages, and what nobody needs without them, or
// "" for none.
func (m Manager) PurgePackages(names []string) string { return with(names, m.Purge) }

// CheckPackages is a script that fails if one of some packages is not installed.
func (m Manager) CheckPackages(names []string) string {
	return with(names, "{ "+strings.TrimSuffix(m.List, "\n")+`; } >/run/amigo-packages
for p in $packages; do
    grep -q "^$p " /run/amigo-packages || { echo "the package $p is not there any more"; exit 1; }
done
`)
}

// with is a script that finds names in $packages.
func with(names []string, script string) string {
	if len(names) == 0 {
		return ""
	}
	return "packages='" + strings.Join(names, "\n    ") + "'\n" + script
}

// Named returns the names of packages from what list_packages printed.
func Named(list string) []string {
	var names []string
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 0 {
			names = append(names, fields[0])
		}
	}
	return names
}
