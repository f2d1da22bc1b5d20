package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const kept = `CVE-2020-1
@libssl3 3.0.17-1
openssl (3.0.17-1)
CVE-2026-0002
CVE-2026-0001
CVE-2026-0002
openssl (3.0.16-1)
openssl (3.0.15-1)
CVE-2025-9999
@openssl 3.0.17-1
openssl (3.0.17-1)
CVE-2026-0002
CVE-2026-0001
openssl (3.0.16-1)
openssl (3.0.15-1)
CVE-2025-9999
@perl 5.36.0-7
perl (5.36.0-7)
@default-jre 2:1.17-74
java-common (0.74)
java-common (0.50)
@gone 1.0
gone (1.0)
CVE-2026-0009
@empty 1
`

func TestParseChangelogs(t *testing.T) {
	installed := []Package{{"libssl3", "3.0.17-1", "amd64"}, {"openssl", "3.0.17-1", "amd64"}, {"perl", "5.36.0-8", "amd64"}, {"default-jre", "2:1.17-74", "amd64"}, {"empty", "1", "all"}}
	got, err := ParseChangelogs(strings.NewReader(kept), installed)
	want := []Changelog{
		{Source: "openssl", Version: "3.0.17-1", Oldest: "3.0.15-1", Packages: []string{"libssl3", "openssl"}, Fixes: []Fix{
			{"3.0.17-1", []string{"CVE-2026-0002", "CVE-2026-0001"}}, {"3.0.15-1", []string{"CVE-2025-9999"}}}},
		{Source: "java-common", Version: "0.74", Oldest: "0.50", Packages: []string{"default-jre"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// FuzzParseChangelogs: what can be read can be written as cves.txt and read.
func FuzzParseChangelogs(f *testing.F) {
	f.Add(kept)
	f.Fuzz(func(t *testing.T, text string) {
		logs, err := ParseChangelogs(strings.NewReader(text), []Package{{"openssl", "3.0.17-1", "amd64"}, {"perl", "5.36.0-7", "amd64"}})
		if err != nil {
			return
		}
		if again, err := ParseFixes(strings.NewReader(FormatFixes(logs))); err != nil || len(again) != len(logs) {
			t.Errorf("%v\n%q", err, FormatFixes(logs))
		}
	})
}
