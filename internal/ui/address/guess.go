package address

import (
	"net"
	"regexp"
	"strings"
)

var (
	named    = regexp.MustCompile(`^((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|localhost|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/.*)?$`)
	withPort = regexp.MustCompile(`^([A-Za-z0-9-]+):[0-9]{1,5}(?:/.*)?$`)
)

// Guess returns the address of the web server that is probably meant by a text
// without a scheme, such as images.example.org/vm or 127.0.0.1:8080, or "". This
// host's own servers are taken to speak HTTP, all others HTTPS.
func Guess(text string) string {
	found := named.FindStringSubmatch(text)
	if found == nil {
		found = withPort.FindStringSubmatch(text)
	}
	if found == nil {
		return ""
	}
	host := strings.Trim(found[1], "[]")
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return "http://" + text
	}
	return "https://" + text
}
