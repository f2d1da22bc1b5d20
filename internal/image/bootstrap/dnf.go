package bootstrap

import (
	_ "embed" // resolve.py
	"strings"
)

// dnf is the package manager of Fedora's family, version 4:
// https://dnf.readthedocs.io/en/stable/conf_ref.html
type dnf struct{}

// dnfResolve asks dnf's own library, since the program's table is for people.
//
//go:embed resolve.py
var dnfResolve string

func (dnf) files(s session) map[string]string {
	config := `[main]
gpgcheck=1
install_weak_deps=0
best=1
skip_if_unavailable=0
tsflags=nodocs
plugins=0
keepcache=0
metadata_expire=0
reposdir=/nonexistent
varsdir=/nonexistent
` + "module_platform_id=platform:el" + s.release.Name + "\ncachedir=" + s.cache + "\nlogdir=" + s.work + "\npersistdir=" + s.work + "\n"
	for _, r := range s.repositories {
		config += "\n" + r.file()
	}
	return map[string]string{"dnf.conf": config, "resolve.py": dnfResolve}
}

func (dnf) resolve() string {
	return `exec /usr/bin/python3 "$WORK/resolve.py" "$WORK/dnf.conf" "$RELEASE" "$ARCH" "$@"`
}

func (dnf) install() string {
	return `exec dnf --config "$WORK/dnf.conf" --installroot "$ROOT" --releasever "$RELEASE" --forcearch "$ARCH" --assumeyes install "$@"`
}

func (dnf) parse(out []byte) (packages []Package, lacking []string, err error) {
	for line := range strings.Lines(string(out)) {
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "lacks":
			lacking = append(lacking, words[1])
		case len(words) == 3 && words[0] == "installs":
			packages = append(packages, Package{Name: words[1], Version: words[2]})
		}
	}
	return packages, lacking, nil
}
