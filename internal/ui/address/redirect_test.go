package address

import (
	"errors"
	"net/http"
	"testing"
)

func TestFollow(t *testing.T) {
	request := func(url string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		from, to string
		times    int
		want     error
	}{
		"to https":   {"http://a.example", "https://b.example", 1, nil},
		"http":       {"http://a.example", "http://b.example", 1, nil},
		"https":      {"https://a.example", "https://b.example", 1, nil},
		"from https": {"https://a.example", "http://b.example", 1, ErrPlain},
		"a loop":     {"https://a.example", "https://a.example", mostRedirects, ErrLoop},
	} {
		var via []*http.Request
		for range c.times {
			via = append(via, request(c.from))
		}
		to := request(c.to)
		to.Header.Set("Referer", c.from)
		if err := Follow(to, via); !errors.Is(err, c.want) || to.Header.Get("Referer") != "" {
			t.Errorf("%s: %v, %q", name, err, to.Header)
		}
	}
}
