package changes

import (
	"errors"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// versions are in order; those of one line are equal.
var versions = [][]string{
	{"0~~", "0~~-0"}, {"0~"}, {"0", "0-0", "00"}, {"0.5-1"}, {"1.0~rc1-1"}, {"1.0-1~deb12u1"}, {"1.0-1"}, {"1.0-1+b1"},
	{"1.0-1+deb12u2"}, {"1.0-1+deb12u10"}, {"1.0-1.1"}, {"1.0a-1"}, {"1.0a+-1"}, {"1.0+dfsg-1"}, {"1.2-3-1"}, {"1.10"}, {"9.9-9"}, {"1:0.1", "01:0.1"}, {"10:0"},
}

func TestCompareVersions(t *testing.T) {
	for i, as := range versions {
		for j, bs := range versions {
			for _, a := range as {
				for _, b := range bs {
					if got := CompareVersions(a, b); got != sign(i-j) {
						t.Errorf("%s and %s: %d, want %d", a, b, got, sign(i-j))
					}
				}
			}
		}
	}
}

// TestLikeDpkg asks dpkg itself.
func TestLikeDpkg(t *testing.T) {
	for i, as := range versions[:len(versions)-1] {
		for _, b := range versions[i+1] {
			dpkg(t, as[0], "lt", b)
		}
		for _, equal := range as {
			dpkg(t, as[0], "eq", equal)
		}
	}
}

func dpkg(t *testing.T, a, relation, b string) {
	t.Helper()
	err := command.Run(t.Context(), command.Cmd{Name: "dpkg", Args: []string{"--compare-versions", a, relation, b}})
	if exit := new(command.ExitError); errors.As(err, &exit) {
		t.Errorf("dpkg denies %s %s %s", a, relation, b)
	} else if err != nil {
		t.Fatal(err)
	}
}

func sign(n int) int { return max(min(n, 1), -1) }

func FuzzCompareVersions(f *testing.F) {
	f.Add("1.0-1", "1.0~rc1-1")
	f.Add("1:2", "x~")
	f.Fuzz(func(t *testing.T, a, b string) {
		if CompareVersions(a, b) != -CompareVersions(b, a) || CompareVersions(a, a) != 0 {
			t.Errorf("%q and %q are in no order", a, b)
		}
	})
}
