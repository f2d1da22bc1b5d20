package address

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
)

func TestShown(t *testing.T) {
	for given, want := range map[string]string{
		"https://images.example.org/vm":          "https://images.example.org/vm",
		"/srv/www/images":                        "/srv/www/images",
		"images":                                 "images",
		"./me@home":                              "./me@home",
		"http://bob:s3cret@127.0.0.1:8080/":      "http://127.0.0.1:8080/",
		"https://t0ken@github.com/x/y.git":       "https://github.com/x/y.git",
		"git@github.com:x/y.git":                 "github.com:x/y.git",
		"http://h/?sig=abc":                      "http://h/?sig=…",
		"http://h/a%20b?sv=1&sig=a%2Fb%3D":       "http://h/a%20b?sv=…&sig=…",
		"http://h/?t0ken":                        "http://h/?…",
		"http://h/?dDBrZW4=":                     "http://h/?…",
		"http://h/?dDBrZW4==":                    "http://h/?…",
		"http://h/?a=1;sig=abc":                  "http://h/?a=…",
		"http://h/x#t0ken":                       "http://h/x#…",
		"http://bob:s3c/ret@h/":                  "http://…",
		"http://bob:s3 cret@h/":                  "http://…",
		"http://bob:%zz@h/":                      "http://…",
		"http:bob:s3cret@h":                      "http:…",
		"http:/bob:s3cret@h":                     "http:…",
		"http://h:8o80/":                         "http://h:8o80/",
		"file:///srv/a%20b":                      "file:///srv/a%20b",
		"s3://bucket/dir?region=eu-central-1":    "s3://bucket/dir?region=eu-central-1",
		"s3://b?region=x&secret_key=abc":         "s3://b?region=x&secret_key=…",
		"s3://b?endpoint=http://bob:s3cret@m:1/": "s3://b?endpoint=…",
		"s3://b?endpoint=http://m:1/&region=x":   "s3://b?endpoint=http://m:1/&region=x",
		"azblob://c?storage_account=n&sas=abc":   "azblob://c?storage_account=n&sas=…",
		"https://h/?region=abc":                  "https://h/?region=…",
	} {
		got := Shown(given)
		if got != want {
			t.Errorf("%s is shown as %s, should be %s", given, got, want)
		}
		if again := Shown(got); again != got {
			t.Errorf("%s is shown as %s", got, again)
		}
	}
}

func TestShownIn(t *testing.T) {
	for given, want := range map[string]string{
		`Get "http://h/x?sig=abc": dial tcp`:                            `Get "http://h/x?sig=…": dial tcp`,
		"loading https://bob:s3cret@h/?sig=abc: no":                     "loading https://h/?sig=…: no",
		"deb [a=b] http://bob:s3cret@mirror/debian bookworm main":       "deb [a=b] http://mirror/debian bookworm main",
		"HTTP_PROXY=http://bob:s3cret@proxy:3128, (http://t0ken@x/a.b)": "HTTP_PROXY=http://proxy:3128, (http://x/a.b)",
		`parse "http://bob:s3c/ret@h": invalid port`:                    `parse "http://…": invalid port`,
		`parse "http://bob:s3c/ret@h": invalid port ":s3c" after host`:  `parse "http://…": invalid port … after host`,
		`{"u":"https://h/?a=1\u0026sig=abc"}`:                           `{"u":"https://h/?a=…"}`,
		"see https://example.org/page.html.":                            "see https://example.org/page.html.",
		"open /home/http:me:s3cret@h/x?t0ken: no such file":             "open /home/http:… no such file",
		"nothing at all": "nothing at all",
		"fetch https://": "fetch https://",
	} {
		if got := ShownIn(given); got != want {
			t.Errorf("%s is shown as %s, should be %s", given, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	if got, want := Replace("fatal: 'me:s3 cret@h:x' and https://t0ken@h", "me:s3 cret@h:x"), "fatal: 'me:…' and https://h"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if HasSecret("https://h/x") || !HasSecret("https://h/x?a=b") || HasSecret("/srv/x") {
		t.Error("a secret is taken for none, or the other way round")
	}
}

func TestError(t *testing.T) {
	inner := &url.Error{Op: "Get", URL: "https://bob:s3cret@h/?sig=abc", Err: fs.ErrNotExist}
	err := Error(fmt.Errorf("loading: %w", inner))
	if got, want := err.Error(), `loading: Get "https://h/?sig=…": file does not exist`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the error is another one")
	}
	plain := errors.New("plain")
	if errors.As(Error(plain), new(*shownError)) || Error(nil) != nil {
		t.Error("an error without an address was changed")
	}
}

func TestBare(t *testing.T) {
	for given, want := range map[string]string{
		"https://bob:s3cret@h/vm?sig=abc#x": "https://h/vm",
		"https://h/vm":                      "https://h/vm",
		"":                                  "",
	} {
		if got := Bare(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}

func TestProxyShowsNothing(t *testing.T) {
	for given, want := range map[string]string{
		"http://bob:s3cret@proxy:3128": "http://proxy:3128",
		"bob:s3cret@proxy:3128":        "http://proxy:3128",
		"bob:s3c/ret@proxy":            "http://…",
		"proxy:3128":                   "proxy:3128",
	} {
		if got := ShownProxy(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}

// FuzzShown holds that neither a login nor a query is shown, whatever it is.
func FuzzShown(f *testing.F) {
	for _, seed := range []string{"s3cret", "a/b", "a b", "a@b", "%zz", "a?b", "a#b", "[::1]", "\x00", "a\nb", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		const mark = "0123456789abcdef"
		for _, form := range []string{"http://me:%s@host/x", "https://%s@host/x", "http://host/x?sig=%s", "http://host/x?%s=", "http://host/#%s"} {
			location := fmt.Sprintf(form, url.QueryEscape(secret)+mark)
			shown := Shown(location)
			if strings.Contains(shown, mark) || strings.Contains(ShownIn("at "+location+" and on"), mark) {
				t.Errorf("%q is shown as %q", location, shown)
			}
			if Shown(shown) != shown {
				t.Errorf("%q is shown as %q", shown, Shown(shown))
			}
		}
	})
}
