package qemu

import (
	"regexp"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	version, err := Version(t.Context(), "qemu-system-x86_64")
	if err != nil || !regexp.MustCompile(`^\d+(\.\d+)+$`).MatchString(version) {
		t.Errorf("%q, %v", version, err)
	}
	if _, err := Version(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), "names no version") {
		t.Errorf("true has the version of qemu: %v", err)
	}
}
