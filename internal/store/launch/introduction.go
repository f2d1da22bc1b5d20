package launch

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// introduction asks a machine for its host key, its operators and what it says
// of itself, in one go: a session costs an emulated machine seconds.
var introduction = "set +e\n" +
	guest.Section("host key") + "cat /etc/ssh/ssh_host_ed25519_key.pub\n" +
	guest.Section("operators") + "getent group sudo | cut -d: -f4\n" +
	guest.Section("about") + "cat /usr/share/amigo-image/about.json\n" +
	guest.Section("data") + "cat /srv/golr/current/about.json 2>/dev/null\ntrue\n"

// introduced is what the machine answered.
type introduced struct {
	hostKey     string // a line of authorized_keys' form
	fingerprint string // SHA256:...
	operators   []string
	search      string // may be empty
}

func parseIntroduction(answer string) (introduced, error) {
	var i introduced
	told := guest.Sections(answer)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(told["host key"]))
	if err != nil {
		return i, fmt.Errorf("the machine's host key: %w", err)
	}
	i.hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	i.fingerprint = ssh.FingerprintSHA256(key)
	i.operators = strings.FieldsFunc(told["operators"], func(r rune) bool { return r == ',' || r == '\n' })
	var about struct {
		Test struct {
			Search string `json:"search"`
		} `json:"test"`
	}
	for _, text := range []string{told["about"], told["data"]} {
		if json.Unmarshal([]byte(text), &about) == nil {
			i.search = about.Test.Search
		}
	}
	return i, nil
}

// user returns whom the user's own keys let in.
func (i introduced) user(variant string) string {
	if variant, _ := layout.SplitVariant(variant); variant == Production && len(i.operators) > 0 {
		return i.operators[0]
	}
	return "root"
}

// writeKnownHosts keeps the host key under the machine's name, since its port
// changes.
func (i introduced) writeKnownHosts(m imagestore.Machine) error {
	line := Host(m) + " " + i.hostKey + "\n"
	if err := os.WriteFile(m.Path(imagestore.HostsFile), []byte(line), 0o600); err != nil {
		return fmt.Errorf("keeping the machine's host key: %w", err)
	}
	return nil
}
