// Package address shows addresses to people. An address can hold a secret: a
// user and password before its host, a key or signature in its query. Whatever
// is printed, logged or written where others read goes through here first.
package address

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// hidden stands in the place of a secret.
const hidden = "..."

// Shown returns an address as people may see it: without a user and password,
// without a fragment, and with the names in its query but not their values. What
// is not a URL, such as a path, stays as it is.
func Shown(location string) string {
	if !strings.Contains(location, "://") {
		return location
	}
	u, err := url.Parse(location)
	if err != nil {
		return unparsed.ReplaceAllString(location, "$1")
	}
	return Of(u)
}

// harmless are settings of object stores that say where and how, as
// https://gocloud.dev/howto/blob/ names them.
var harmless = map[string]bool{
	"region": true, "endpoint": true, "use_path_style": true, "s3ForcePathStyle": true, "hostname_immutable": true,
	"disable_https": true, "storage_account": true, "domain": true, "protocol": true, "localemu": true, "cdn": true,
}

// Of is [Shown] of a URL that was parsed.
func Of(u *url.URL) string {
	bare := strip(u)
	var names []string
	for _, pair := range strings.FieldsFunc(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, named := strings.Cut(pair, "=")
		switch {
		case harmless[name]:
			names = append(names, pair)
		case named:
			names = append(names, name+"="+hidden)
		default:
			names = append(names, hidden)
		}
	}
	bare.RawQuery = strings.Join(names, "&")
	return bare.String()
}

// Bare returns an address for what is given away: without user and password,
// query and fragment.
func Bare(location string) string {
	u, err := url.Parse(location)
	if err != nil || !strings.Contains(location, "://") {
		return Shown(location)
	}
	return strip(u).String()
}

func strip(u *url.URL) *url.URL {
	bare := *u
	bare.User, bare.RawQuery, bare.ForceQuery, bare.Fragment, bare.RawFragment = nil, "", false, "", ""
	return &bare
}

// unparsed finds, in what is no proper URL, the parts that a URL has secrets in.
var unparsed = regexp.MustCompile(`(?s)(^[^:]*://)[^/?#]*@|[?#].*$`)

// HasSecret tells whether [Shown] would leave something out.
func HasSecret(location string) bool { return Shown(location) != location }

// Error takes the address off an error of [net/http], which shows it with its
// query and user.
func Error(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// Replace shows a location, and every other address, in a text of another
// program as [Shown].
func Replace(text, location string) string {
	if HasSecret(location) {
		text = strings.ReplaceAll(text, location, Shown(location))
	}
	return anywhere.ReplaceAllStringFunc(text, Shown)
}

// anywhere finds addresses in a text.
var anywhere = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'"<>]+`)
