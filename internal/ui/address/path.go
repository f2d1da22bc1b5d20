package address

import (
	"net/url"
	"strings"
)

// EscapePath returns a path as it is written in a URL: in requests, on pages, in
// feeds. A plus is escaped, too, since S3 and servers like it read one as a
// space.
func EscapePath(path string) string {
	return strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), "+", "%2B")
}
