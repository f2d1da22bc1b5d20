package address

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Proxy is [http.ProxyFromEnvironment], whose error shows what the variable
// holds.
func Proxy(request *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(request)
	// The library takes what it cannot read for a host, and a path.
	if err != nil || proxy != nil && strings.Trim(proxy.Path, "/") != "" {
		return nil, errors.New(strings.ToUpper(request.URL.Scheme) + "_PROXY holds no address of a proxy")
	}
	return proxy, nil
}

// ShownProxy is [Shown] for the value of a proxy's variable, which may lack its
// scheme.
func ShownProxy(value string) string {
	if strings.Contains(value, "://") || !strings.Contains(value, "@") {
		return Shown(value)
	}
	return Shown("http://" + value)
}
