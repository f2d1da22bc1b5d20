package address

import (
	"errors"
	"net/http"
)

// mostRedirects is how many redirects are followed, as browsers do about.
const mostRedirects = 10

// ErrLoop is a server that leads on and on.
var ErrLoop = errors.New("too many redirects")

// ErrPlain is a server that leads from https to http, where others can change what comes.
var ErrPlain = errors.New("it leads from https to http, which is not followed")

// Follow is [http.Client.CheckRedirect]: the one whom a redirect leads to is not told the
// query of who it came from, which may be secret.
func Follow(request *http.Request, via []*http.Request) error {
	request.Header.Del("Referer")
	if len(via) >= mostRedirects {
		return ErrLoop
	}
	if via[len(via)-1].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return ErrPlain
	}
	return nil
}
