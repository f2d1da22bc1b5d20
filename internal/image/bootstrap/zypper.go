package bootstrap

import (
	"encoding/xml"
	"fmt"
	"regexp"
)

// zypper is the package manager of openSUSE:
// https://en.opensuse.org/SDB:Zypper_manual
type zypper struct{}

func (zypper) files(s session) map[string]string {
	files := map[string]string{"zypp.conf": "[main]\narch = " + s.rpmArchitecture() + "\n"}
	for _, r := range s.repositories {
		files["repos.d/"+r.name+".repo"] = r.file() + "autorefresh=1\ntype=rpm-md\n"
	}
	return files
}

// zypperCommand works on $ROOT and trusts no key but those that are given.
const zypperCommand = `mkdir -p "$ROOT"
for key in $KEYS; do
    rpm --root "$ROOT" --import "$key"
done
export ZYPP_LOGFILE="$WORK/log" ZYPP_CONF="$WORK/zypp.conf"
zypper() {
    command zypper --root "$ROOT" --reposd-dir "$WORK/repos.d" --cache-dir "$CACHE" --non-interactive --releasever "$RELEASE" "$@"
}
`

func (zypper) resolve() string {
	return zypperCommand + `zypper refresh >&2
zypper --xmlout install --dry-run --no-recommends "$@"`
}

func (zypper) install() string {
	return zypperCommand + `zypper refresh
zypper install --no-recommends --download in-advance "$@"`
}

// noProvider is what zypper says of a package that there is not.
var noProvider = regexp.MustCompile(`^No provider of '(.+)' found\.$`)

func (zypper) parse(out []byte) (packages []Package, lacking []string, err error) {
	var said struct {
		Messages []string `xml:"message"`
		Install  []struct {
			Kind    string `xml:"type,attr"`
			Name    string `xml:"name,attr"`
			Version string `xml:"edition,attr"`
		} `xml:"install-summary>to-install>solvable"`
	}
	if err := xml.Unmarshal(out, &said); err != nil {
		return nil, nil, fmt.Errorf("reading what zypper would install: %w", err)
	}
	for _, message := range said.Messages {
		if found := noProvider.FindStringSubmatch(message); found != nil {
			lacking = append(lacking, found[1])
		}
	}
	for _, p := range said.Install {
		if p.Kind == "package" {
			packages = append(packages, Package{Name: p.Name, Version: p.Version})
		}
	}
	return packages, lacking, nil
}
