// Package address reads the addresses of repositories and shows addresses to
// people. An address may hold a login, or a token in its query: whoever prints,
// logs, reports or publishes one shows it by [Shown], a text that may hold some by
// [ShownIn], and an error of a library by [Error].
package address

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hidden stands for what is not shown.
const hidden = "…"

// harmless are the parameters of buckets' addresses whose values are shown: they
// say which bucket is meant.
var harmless = map[string][]string{
	"s3":     {"region", "endpoint", "disable_https", "s3ForcePathStyle", "use_path_style", "hostname_immutable", "anonymous", "accelerate", "dualstack", "fips", "profile"},
	"gs":     {"anonymous"},
	"azblob": {"storage_account", "domain", "protocol", "cdn", "localemu"},
}

var (
	scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	// login is a user before the host of ssh's short form, user@host:path.
	login = regexp.MustCompile(`^[^/@]+@([^/:@]+:)`)
	// partShown is how net/url shows the part of an address that it cannot read.
	partShown = regexp.MustCompile(`invalid (port|URL escape) \\*"[^"]*"`)
	// slipped is a login in an address that lacks its slashes.
	slipped = regexp.MustCompile("(?i)\\b((?:https?|ftp|git|ssh|s3|gs|azblob):)/?[^\\s/\"'<>`][^\\s\"'<>`]*@[^\\s\"'<>`]*")
	// inText finds addresses. What ends a sentence is not part of one.
	inText = regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'<>`]*[^\\s\"'<>`.,:;!?)\\]}]")
)

// Shown returns an address, or a path, as people may see it: without a login, and
// without the values of a query and of a fragment. What cannot be read is not
// shown, if it may hold any.
func Shown(location string) string {
	if !strings.Contains(location, "://") {
		if found := scheme.FindString(location); found != "" && strings.Contains(location, "@") {
			return found + hidden
		}
		return login.ReplaceAllString(location, "$1")
	}
	if !strings.ContainsAny(location, "@?#") {
		return location
	}
	u, err := url.Parse(location)
	if err != nil {
		start, _, _ := strings.Cut(location, "://")
		return Shown(start) + "://" + hidden
	}
	return Of(u)
}

// Of is [Shown] for an address that was read.
func Of(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.ForceQuery, shown.Fragment, shown.RawFragment = nil, "", false, "", ""
	text := shown.String()
	if u.RawQuery != "" {
		text += "?" + shownQuery(u.Scheme, u.RawQuery)
	}
	if u.Fragment != "" {
		text += "#" + hidden
	}
	return text
}

// shownQuery keeps names, and the values of what is harmless.
func shownQuery(scheme, query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		switch {
		case value == "" || value[0] == '=': // what looks like a name may be the token
			pairs[i] = hidden
		case !slices.Contains(harmless[scheme], name) || err != nil || Shown(plain) != plain:
			pairs[i] = name + "=" + hidden
		}
	}
	return strings.Join(pairs, "&")
}

// HasSecret tells whether [Shown] leaves something out.
func HasSecret(location string) bool { return Shown(location) != location }

// Same tells whether two addresses differ in nothing but what is not shown.
func Same(a, b string) bool { return Shown(a) == Shown(b) }

// ShownIn returns a text with every address in it as [Shown] shows it.
func ShownIn(text string) string {
	if !strings.Contains(text, ":") {
		return text
	}
	text = slipped.ReplaceAllString(inText.ReplaceAllStringFunc(text, Shown), "$1"+hidden)
	return partShown.ReplaceAllString(text, "invalid $1 "+hidden)
}

// Replace is [ShownIn] where one location is known to be in a text, whatever is
// in it.
func Replace(text, location string) string {
	if HasSecret(location) {
		text = strings.ReplaceAll(text, location, Shown(location))
	}
	return ShownIn(text)
}

// Error returns err with its text as [ShownIn] shows it. Those of net/http
// hold whole addresses.
func Error(err error) error {
	if err == nil || ShownIn(err.Error()) == err.Error() {
		return err
	}
	return &shownError{err}
}

type shownError struct{ err error }

func (e *shownError) Error() string { return ShownIn(e.err.Error()) }

func (e *shownError) Unwrap() error { return e.err }

// Bare returns an address for everybody to use: without a login, a query or a
// fragment.
func Bare(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return Shown(location)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}
