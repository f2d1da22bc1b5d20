package address

import "testing"

func TestGuess(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:8080":                 "http://127.0.0.1:8080",
		"127.1.2.3/vm":                   "http://127.1.2.3/vm",
		"localhost":                      "http://localhost",
		"localhost:8080/vm":              "http://localhost:8080/vm",
		"[::1]:8080":                     "http://[::1]:8080",
		"images.example.org":             "https://images.example.org",
		"images.example.org/vm?sig=abc":  "https://images.example.org/vm?sig=abc",
		"images.example.org:8443":        "https://images.example.org:8443",
		"images:8080":                    "https://images:8080",
		"192.0.2.1":                      "https://192.0.2.1",
		"[2001:db8::1]/vm":               "https://[2001:db8::1]/vm",
		"":                               "",
		"stable":                         "",
		"2026-11-22":                     "",
		"2.5.17":                         "",
		"2.5.17+git1":                    "",
		"2026-11-22.2":                   "",
		"./images.example.org":           "",
		"/srv/www":                       "",
		"srv/www":                        "",
		"amigo-2026-11-22.qcow2":         "",
		"https://images.example.org":     "",
		"me@images.example.org":          "",
		"s3:bucket":                      "",
		"127.0.0.1:8080 nightly":         "",
		"images.example.org:port/stable": "",
	} {
		if got := Guess(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
