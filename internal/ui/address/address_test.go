package address

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestShown(t *testing.T) {
	for location, want := range map[string]struct{ shown, bare string }{
		"https://images.example.org/amigo":      {"https://images.example.org/amigo", "https://images.example.org/amigo"},
		"http://bob:s3cret@127.0.0.1:80/x":      {"http://127.0.0.1:80/x", "http://127.0.0.1:80/x"},
		"https://token@github.com/x.git":        {"https://github.com/x.git", "https://github.com/x.git"},
		"https://h/x?sig=s3cret&sv=1#s3cret":    {"https://h/x?sig=...&sv=...", "https://h/x"},
		"https://h/?s3cret":                     {"https://h/?...", "https://h/"},
		"s3://bucket/dir?region=eu-central-1":   {"s3://bucket/dir?region=eu-central-1", "s3://bucket/dir"},
		"https://bob:s3%zzcret@h/x?sig=s3cret":  {"https://h/x", "https://h/x"},
		"https://bob:s3\ncret@h/":               {"https://h/", "https://h/"},
		"/srv/www/images":                       {"/srv/www/images", "/srv/www/images"},
		"git@github.com:geneontology/amigo.git": {"git@github.com:geneontology/amigo.git", "git@github.com:geneontology/amigo.git"},
		"./what?is@this":                        {"./what?is@this", "./what?is@this"},
		"":                                      {"", ""},
	} {
		if got := Shown(location); got != want.shown {
			t.Errorf("Shown(%q) = %q, want %q", location, got, want.shown)
		}
		if got := Bare(location); got != want.bare {
			t.Errorf("Bare(%q) = %q, want %q", location, got, want.bare)
		}
		if HasSecret(location) != (want.shown != location) {
			t.Errorf("HasSecret(%q)", location)
		}
	}
}

func TestError(t *testing.T) {
	_, err := http.Get("http://bob:s3cret@127.0.0.1:1/?sig=s3cret") //nolint:bodyclose // there is none
	if err == nil {
		t.Fatal("somebody listens on port 1")
	}
	if clean := Error(err); strings.Contains(clean.Error(), "s3cret") || strings.Contains(clean.Error(), "bob") {
		t.Error(clean)
	}
	if other := errors.New("x"); !errors.Is(Error(other), other) {
		t.Error("another error was changed")
	}
}

func FuzzShown(f *testing.F) {
	f.Add("http", "bob", "s3cret", "h/x", "sig=s3cret")
	f.Fuzz(func(t *testing.T, scheme, user, password, rest, query string) {
		if len(password) < 6 || strings.Contains(scheme+user+rest+query+hidden, password) || strings.ContainsAny(password, "/?#@") {
			return
		}
		location := scheme + "://" + user + ":" + password + "@" + rest + "?" + query
		if strings.Contains(scheme, "://") || strings.ContainsAny(scheme+user, ":/?#@") {
			return
		}
		for _, text := range []string{Shown(location), Bare(location)} {
			if strings.Contains(text, password) {
				t.Errorf("%q becomes %q", location, text)
			}
		}
	})
}

func TestReplace(t *testing.T) {
	const location = "https://bob:s3 cret@h/x?sig=s3cret"
	text := "fatal: '" + location + "', 'https://h/x?sig=s3cret/', \"https://bob:***@h/x?sig=s3cret\": no http://plain/x?q"
	want := "fatal: '" + Shown(location) + "', 'https://h/x?sig=...', \"https://h/x?sig=...\": no http://plain/x?..."
	if got := Replace(text, location); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
