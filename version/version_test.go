package version

import (
	"regexp"
	"strings"
	"testing"
)

// TestString: a version names its pre-release part, and a release has none.
func TestString(t *testing.T) {
	defer func(version, prerelease string) { Version, VersionPrerelease = version, prerelease }(Version, VersionPrerelease)
	for _, c := range []struct{ version, prerelease, want string }{
		{"1.2.3", "dev", "1.2.3-dev"},
		{"1.2.3", "", "1.2.3"},
	} {
		Version, VersionPrerelease = c.version, c.prerelease
		if got := String(); got != c.want {
			t.Errorf("%+v gave %s", c, got)
		}
	}
}

// TestPluginVersion: Packer is told the same version as people, and the one
// in the code has no part that belongs to [VersionPrerelease].
func TestPluginVersion(t *testing.T) {
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(Version) {
		t.Errorf("%q is not three numbers", Version)
	}
	if got := PluginVersion.FormattedVersion(); !strings.HasPrefix(got, String()) {
		t.Errorf("Packer is told %s, people %s", got, String())
	}
}
