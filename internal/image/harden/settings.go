package harden

import (
	"fmt"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Settings are what a production image can be made to differ in.
type Settings struct {
	// Reboot is the time of day, like "03:30", at which the machine restarts by
	// itself when a security fix needs it, as one of the kernel does; "" leaves
	// that to its operator.
	Reboot string
}

var timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// Validate says what is wrong with s. The error is that of its field (package field).
func (s Settings) Validate() error {
	if s.Reboot != "" && !timeOfDay.MatchString(s.Reboot) {
		return field.Errorf("Reboot", "%q is not a time of day like \"03:30\"", s.Reboot)
	}
	return nil
}

// reboot sets who restarts the machine for a new kernel, and says so to who
// logs in.
func (s Settings) reboot() string {
	automatic, at, words := "false", "now", "a new kernel waits for you: sudo systemctl reboot"
	if s.Reboot != "" {
		automatic, at, words = "true", s.Reboot, "for a new kernel, by itself, at "+s.Reboot
	}
	return fmt.Sprintf(`cat >/etc/apt/apt.conf.d/53amigo-reboot <<'END'
// Whether the machine restarts by itself when a fix needs that, and when.
Unattended-Upgrade::Automatic-Reboot "%s";
Unattended-Upgrade::Automatic-Reboot-Time "%s";
END
sed -i -e '/^  \(Security\|Reboots\):/d' -e '${/^$/d}' /etc/motd
cat >>/etc/motd <<'END'
  Security:   Debian's fixes are installed by themselves, every day
  Reboots:    %s

END
`, automatic, at, words)
}
