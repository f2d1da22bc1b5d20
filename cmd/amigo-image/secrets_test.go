package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
)

// The parts of an address that nobody may see. The user is one: many services
// take a token there.
var secrets = regexp.MustCompile(`bobtoken|s3cretpw|s3cretsig`)

// withSecrets is an address that opens what another one does, with a user, a
// password and a signature.
func withSecrets(address string) string {
	return strings.Replace(address, "://", "://bobtoken:s3cretpw@", 1) + "/?sig=s3cretsig"
}

// discreet fails the test if a command shows a secret, or leaves one in a file
// that others may read.
func (p *person) discreet(line string) {
	p.t.Helper()
	_, out, errs := p.types(line)
	shown := strings.ReplaceAll(out+errs, line, "")
	if found := secrets.FindString(shown); found != "" {
		p.t.Errorf("%s shows %s:\n%s", line, found, shown)
	}
	err := filepath.WalkDir(p.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && secrets.Match(content) && info.Mode().Perm() != 0o600 {
			p.t.Errorf("%s: a secret is in %s, %v", line, path, info.Mode())
		}
		if secrets.MatchString(path) {
			p.t.Errorf("%s: a secret is in the name %s", line, path)
		}
		return err
	})
	if err != nil {
		p.t.Error(err)
	}
}

func TestSecretsInAddresses(t *testing.T) {
	dir := makeRepository(t)
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(web.Close)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, withSecrets("http://127.0.0.1:1")+"&x=1", http.StatusFound)
	}))
	t.Cleanup(elsewhere.Close)
	tls := httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(tls.Close)
	servers := map[string]string{
		"answers":   web.URL,
		"is away":   "http://127.0.0.1:1",
		"redirects": elsewhere.URL,
		"not known": tls.URL,
		"no host":   "http://",
		"no scheme": "gopher://127.0.0.1",
	}
	for name, handler := range map[string]faulty.Handler{
		"404": faulty.Status(http.StatusNotFound), "500": faulty.Status(http.StatusInternalServerError), "tampers": faulty.Altered,
	} {
		s := serveMoody(t, dir)
		s.fault.Store(&mood{files: ".", handler: handler})
		servers[name] = s.URL
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var typing sync.WaitGroup // most of the time is spent waiting for servers
			defer typing.Wait()
			address := "'" + withSecrets(server) + "'"
			for _, line := range []string{
				"amigo-image pull --patience 1s " + address + " stable",
				"amigo-image pull --patience 1s --json " + address + " stabel",
				"amigo-image list --patience 1s --from " + address,
				"amigo-image info --patience 1s --from " + address + " stabel",
				"amigo-image diff --patience 1s --from " + address + " stable nightly",
				"amigo-image verify --patience 1s --from " + address + " stable",
				"amigo-image run --patience 1s --variant x " + address + " stable",
				"AMIGO_IMAGE_REPOSITORY=" + address + " amigo-image doctor repository proxies",
				"AMIGO_IMAGE_REPOSITORY=" + address + " amigo-image doctor repository --report",
				"HTTPS_PROXY=http://bobtoken:s3cretpw@proxy:3128 amigo-image doctor proxies",
				"HTTP_PROXY=http://bobtoken:s3cretpw@127.0.0.1:1 amigo-image list --patience 1s --from http://images.example.org",
				// What was remembered is shown by others.
				"amigo-image pull --patience 1s " + address + " stable; amigo-image list --offline; amigo-image doctor repository --report",
				"amigo-image publish . --to " + address,
				"amigo-image promote a b --to 's3://bobtoken:s3cretpw@bucket?region=eu-central-1&sig=s3cretsig'",
			} {
				typing.Go(func() { newPerson(t).discreet(line) })
			}
		})
	}
}
