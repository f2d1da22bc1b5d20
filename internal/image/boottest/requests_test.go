package boottest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// strict is a server that does what is asked of an image's, but for what break
// makes of it.
func strict(t *testing.T, broken func(w http.ResponseWriter, r *http.Request) bool) subject {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self' https://a.b")
		search := r.URL.Path == "/solr/select"
		switch {
		case broken(w, r):
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case search && strings.Contains(r.URL.RawQuery, "json.wrf"):
			w.Header().Set("Content-Type", "application/javascript; charset=UTF-8")
		case search && strings.Contains(r.URL.RawQuery, "wt=json"):
			w.Header().Set("Content-Type", "application/json")
		case search:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return subject{web: newWeb(server.URL, time.Minute, evidence{dir: t.TempDir()})}
}

func TestRequests(t *testing.T) {
	s := strict(t, func(http.ResponseWriter, *http.Request) bool { return false })
	for _, c := range requests() {
		if _, err := c.run(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRequestsFail(t *testing.T) {
	for _, test := range []struct {
		name, want string
		broken     func(w http.ResponseWriter, r *http.Request) bool
	}{
		{"any method", "FOO /amigo: status 200, not 405", func(_ http.ResponseWriter, r *http.Request) bool { return r.Method == "FOO" }},
		{"POST to a page", "POST /amigo: status 200, not 405", func(_ http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodPost }},
		{"a script as text", `"text/plain", not "application/javascript"`, func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "text/plain")
			return strings.Contains(r.URL.RawQuery, "json.wrf")
		}},
		{"forms go anywhere", `form-action allows "*"`, func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "https://a.b", "*", 1))
			return r.URL.Path == "/amigo" && r.Method == http.MethodGet
		}},
		{"no policy", "is \"\"", func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Del("Content-Security-Policy")
			return r.URL.Path == "/amigo" && r.Method == http.MethodGet
		}},
		{"a Java error", "no inside is told: a number of rows that is none: status 500, not 400", func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.RawQuery, "rows=abc") {
				return false
			}
			http.Error(w, "java.lang.NumberFormatException", http.StatusInternalServerError)
			return true
		}},
		{"Java's words", `the answer tells "Exception"`, func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.RawQuery, "q=%FF") {
				return false
			}
			http.Error(w, "NotUtf8Exception", http.StatusBadRequest)
			return true
		}},
		{"no bound", "too many filters: status 200, not 400", func(_ http.ResponseWriter, r *http.Request) bool {
			return strings.Count(r.URL.RawQuery, "fq=") > 1000
		}},
	} {
		s := strict(t, test.broken)
		var faults []string
		for _, c := range requests() {
			if _, err := c.run(t.Context(), s); err != nil {
				faults = append(faults, c.name+": "+err.Error())
			}
		}
		if !strings.Contains(strings.Join(faults, "\n"), test.want) {
			t.Errorf("%s: got %q, want %q", test.name, faults, test.want)
		}
	}
}
