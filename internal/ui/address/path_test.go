package address

import (
	"net/url"
	"testing"
)

func TestEscapePath(t *testing.T) {
	for path, want := range map[string]string{
		"versions/2.5.17+git1/amigo.qcow2": "versions/2.5.17%2Bgit1/amigo.qcow2",
		"a b/ü?#%":                         "a%20b/%C3%BC%3F%23%25",
		"a:b":                              "a:b",
		"plain-1.2_3":                      "plain-1.2_3",
	} {
		got := EscapePath(path)
		if got != want {
			t.Errorf("%q becomes %q, want %q", path, got, want)
		}
		if back, err := url.PathUnescape(got); err != nil || back != path {
			t.Errorf("%q becomes %q, and %q again", path, got, back)
		}
	}
}
