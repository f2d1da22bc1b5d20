package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFixesReadBack(t *testing.T) {
	logs := []Changelog{
		{Source: "openssl", Version: "3.0.17-1~deb12u3", Oldest: "1.1.1-1", Packages: []string{"libssl3", "openssl"}, Fixes: []Fix{
			{"3.0.17-1~deb12u3", []string{"CVE-2026-0001", "CVE-2026-0002"}}, {"3.0.17-1~deb12u2", []string{"CVE-2025-9999"}}}},
		{Source: "adduser", Version: "3.134", Oldest: "3.118", Packages: []string{"adduser"}},
	}
	text := FormatFixes(logs)
	want := "adduser 3.134 3.118: adduser\n" +
		"openssl 3.0.17-1~deb12u3 1.1.1-1: libssl3 openssl\n 3.0.17-1~deb12u3 CVE-2026-0001 CVE-2026-0002\n 3.0.17-1~deb12u2 CVE-2025-9999\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	got, err := ParseFixes(strings.NewReader(text))
	if diff := cmp.Diff([]Changelog{logs[1], logs[0]}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, bad := range []string{" 1.0 CVE-1\n", "openssl 1.0: openssl\n", "openssl 1.0 0.9\n", "openssl 1.0 0.9: \n", "openssl 1 1: x\n 1.0\n"} {
		if _, err := ParseFixes(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// FuzzParseFixes: what can be read can be written and is then the same.
func FuzzParseFixes(f *testing.F) {
	f.Add("openssl 3.0.17-1~deb12u3 1.1.1-1: libssl3 openssl\n 3.0.17-1~deb12u3 CVE-2026-0001\n")
	f.Fuzz(func(t *testing.T, text string) {
		logs, err := ParseFixes(strings.NewReader(text))
		if err != nil {
			return
		}
		once := FormatFixes(logs)
		again, err := ParseFixes(strings.NewReader(once))
		if err != nil || FormatFixes(again) != once {
			t.Errorf("%v\n%q\n%q", err, once, FormatFixes(again))
		}
	})
}
