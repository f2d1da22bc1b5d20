package main

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/use"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// What no one may read but the owner of the files that need it.
const (
	secretUser  = "b0bsname"
	secretWord  = "s3cretw0rd"
	secretToken = "q3rytoken"
	secretPart  = "fr4gment"
	secretNext  = "s1gnature" // in the address that a redirect leads to
)

var secrets = []string{secretUser, secretWord, secretToken, secretPart, secretNext}

// private is an address with a login and a token of a server's address.
func private(t *testing.T, server string) string {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	address.User, address.RawQuery, address.Fragment = url.UserPassword(secretUser, secretWord), "sv=1&sig="+secretToken, secretPart
	return address.String()
}

// guarded is a web server that opens to the login and the token alone, and
// answers then as told.
func guarded(t *testing.T, answer http.HandlerFunc, tls bool) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, word, _ := r.BasicAuth()
		if user != secretUser || word != secretWord || r.URL.Query().Get("sig") != secretToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, r)
	}))
	server.Config.ErrorLog = nil
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return private(t, server.URL)
}

func always(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// refused is the address of a port that nobody listens at.
func refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return private(t, "http://"+l.Addr().String())
}

// redirecting leads to another server, by an address that is signed. That one
// must not hear of the first one's token.
func redirecting(t *testing.T, next http.Handler) string {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said := fmt.Sprint(r.Header); strings.Contains(said, secretToken) || r.Header.Get("Authorization") != "" {
			t.Errorf("where a redirect leads to, it is known: %s", said)
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(other.Close)
	return guarded(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path+"?X-Signature="+secretNext, http.StatusFound)
	}, false)
}

// discreet fails the test if a secret was told, or lies in a file that others can
// read.
func (p *person) discreet(line, out, errs string) {
	p.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(out, secret) || strings.Contains(errs, secret) {
			p.t.Errorf("%s: tells %s:\n%s%s", line, secret, out, errs)
		}
	}
	err := filepath.WalkDir(p.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			kept := info.Mode().Perm() == 0o600 && !strings.HasSuffix(path, ".log") && !strings.HasSuffix(path, ".txt")
			if strings.Contains(path, secret) || strings.Contains(string(content), secret) && !kept {
				p.t.Errorf("%s: %s, %s, holds %s", line, path, info.Mode(), secret)
			}
		}
		return err
	})
	if err != nil {
		p.t.Error(err)
	}
}

// private runs a line and looks that it tells no secret.
func (p *person) private(line string) (status int, out string) {
	p.t.Helper()
	status, out, errs := p.types(line)
	p.discreet(line, out, errs)
	return status, out
}

// TestSecretsStayHere holds that no command tells the login or the token of a
// repository's address, whatever the server does.
func TestSecretsStayHere(t *testing.T) {
	repository := publishTwo(t, time.Now().Add(-time.Hour))
	dir, keys := repository.dir, repository.ring.Dir()
	files := http.FileServer(http.Dir(dir))
	places := map[string]string{
		"good":              guarded(t, files.ServeHTTP, false),
		"refused":           refused(t),
		"404":               guarded(t, always(http.StatusNotFound), false),
		"500":               guarded(t, always(http.StatusInternalServerError), false),
		"200 of everything": guarded(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, false),
		"certificate":       guarded(t, files.ServeHTTP, true),
		"redirect":          redirecting(t, files),
		"redirect to 403":   redirecting(t, always(http.StatusForbidden)),
		"redirect to none":  guarded(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, refused(t), http.StatusFound) }, false),
		"redirect to junk": guarded(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+secretUser+":"+secretWord+"@[::1?"+secretNext)
			w.WriteHeader(http.StatusFound)
		}, false),
		"no address":         "http://" + secretUser + ":" + secretWord + "/" + secretToken + "@127.0.0.1/",
		"no host":            "http://" + secretUser + ":" + secretWord + "@/?" + secretToken,
		"no scheme":          "http:" + secretUser + ":" + secretWord + "@127.0.0.1/",
		"unknown scheme":     "ftp://" + secretUser + ":" + secretWord + "@127.0.0.1/?" + secretToken,
		"no name":            private(t, "http://nobody.invalid"),
		"no region":          "s3://" + secretUser + ":" + secretWord + "@bucket/?secret=" + secretToken,
		"a store that's off": "s3://bucket?region=here&endpoint=" + url.QueryEscape("http://"+secretUser+":"+secretWord+"@127.0.0.1:1"),
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretWord)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	tampers := serveMoody(t, dir)
	tampers.fault.Store(&mood{files: ".", handler: faulty.Altered})
	places["tampers"] = private(t, tampers.URL)
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			place = "'" + place + "'"
			const hasty = " --patience 300ms"
			for _, line := range []string{
				"amigo-image pull " + place + " stable" + hasty,
				"amigo-image pull stable --json --from=" + place + hasty,
				"amigo-image pull stabel --from " + place + hasty,
				"amigo-image pull stable nightly " + place,
				"amigo-image pull " + place + " stable --dry-runn",
				"amigo-image list " + place + hasty,
				"amigo-image list --json",
				"amigo-image info " + place + " stable" + hasty,
				"amigo-image info " + place + " stable --json" + hasty,
				"amigo-image diff " + place + " stable nightly" + hasty,
				"amigo-image verify stable --from " + place + hasty,
				"amigo-image verify nightly --from " + place + hasty,
				"amigo-image run --variant x " + place + " stable" + hasty,
				"amigo-image gc --dry-run",
				use.RepositoryVariable + "=" + place + " amigo-image doctor repository --report",
				use.RepositoryVariable + "=" + place + " amigo-image doctor repository --json",
				"HTTP_PROXY=" + place + " https_proxy=" + place + " amigo-image doctor proxies --report",
				"HTTP_PROXY=" + place + " amigo-image list http://images.example.org" + hasty,
				"amigo-image publish --to " + place + " --keys " + keys,
				"amigo-image history stable --to " + place + " --keys " + keys,
				"amigo-image refresh --json --to=" + place + " --keys " + keys,
				"amigo-image refresh --to " + t.TempDir() + " --public-url " + place + " --keys " + keys,
			} {
				status, out := p.private(line)
				if name == "good" && strings.HasPrefix(line, "amigo-image pull '") && strings.HasSuffix(line, "ms") && (status != 0 || !strings.Contains(out, "disk.raw")) {
					t.Errorf("%s: %d %s", line, status, out)
				}
			}
		})
	}
}

// TestOpenFilesAreClosed holds that what an earlier version left for everybody to
// read is taken back, and that a new token is the same repository.
func TestOpenFilesAreClosed(t *testing.T) {
	p := newPerson(t)
	place := guarded(t, http.FileServer(http.Dir(makeRepository(t))).ServeHTTP, false)
	if status, out := p.private("amigo-image pull '" + place + "' stable"); status != 0 {
		t.Fatal(out)
	}
	store := imagestore.At(p.store())
	known, err := store.Known()
	if err != nil || known.Repository != place {
		t.Fatalf("%s is remembered, %v", known.Repository, err)
	}
	source := filepath.Join(p.store(), "images", "2026-11-15", "distribution", "source.json")
	open := []string{filepath.Join(p.store(), "repository.json"), source}
	if err := os.WriteFile(source, []byte(`{"repository": "`+place+`"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range open {
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.private("amigo-image list --offline")
	renewed := strings.Replace(place, "sv=1", "sv=2", 1)
	if status, out := p.private("amigo-image pull '" + renewed + "' nightly"); status != 0 {
		t.Fatal(out)
	}
	if known, err = store.Known(); err != nil || known.Repository != renewed {
		t.Errorf("%s is remembered, %v", known.Repository, err)
	}
	if pins, _ := filepath.Glob(filepath.Join(p.store(), "trust", "*")); len(pins) != 1 {
		t.Errorf("a new token is another repository: %q", pins)
	}
}

// TestPageTellsNoSecret publishes to a repository whose public address needs a
// login, and reads everything that the public can.
func TestPageTellsNoSecret(t *testing.T) {
	s := publishTwo(t, time.Now().Add(-time.Hour))
	p := newPerson(t)
	public := guarded(t, http.FileServer(http.Dir(s.dir)).ServeHTTP, false)
	if status, out := p.private("amigo-image refresh --to " + s.dir + " --public-url '" + public + "' --keys " + s.ring.Dir()); status != 0 {
		t.Fatal(out)
	}
	(&person{t, s.dir}).discreet("the repository", "", "")
}

// TestBuildsKeepSecrets builds what fails of an address with a secret, or with a
// sensitive value in its error, by hand and at night, and reads all that is left:
// the logs, status.json, junit.xml and the repository's page.
func TestBuildsKeepSecrets(t *testing.T) {
	s := publishTwo(t, time.Now().Add(-time.Hour))
	war := filepath.Join(t.TempDir(), "solr.war")
	if err := os.WriteFile(war, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	archive := guarded(t, always(http.StatusForbidden), false) + ".tar.gz"
	archive = strings.Replace(archive, "?", "/amigo.tar.gz?", 1)
	const sum = `"sha256:0000000000000000000000000000000000000000000000000000000000000000"`
	for name, body := range map[string]string{
		"sensitive value": `source "null" "a" { fault = "login with ${jsonencode(var.secret)} and ${var.secret} was refused" }`,
		"address":         `source "null" "a" { fault = "Get \"` + archive + `\": no" }`,
		"variable":        "variable \"place\" { default = \"" + archive + "\" }\nsource \"null\" \"a\" { fault = \"no ${var.place}\" }",
		"git":             `source "null" "a" {}` + ofAmigo(refused(t)+".git", war, ""),
		"token of git":    `source "null" "a" {}` + ofAmigo("https://"+secretToken+"@127.0.0.1:1/amigo.git", war, ""),
		"archive":         `source "null" "a" {}` + ofAmigo(archive, war, "source_checksum = "+sum),
		"index":           `source "null" "a" {}` + strings.Replace(ofAmigo(".", war, ""), "documents =", `url = "`+archive+`"`+"\nchecksum = "+sum+"\n#", 1),
		"no source":       `source "null" "a" {}` + ofAmigo(strings.Replace(archive, "://", ":", 1), war, ""),
		"repository":      `source "null" "a" {}` + "\nbuild {\n  sources = [\"null.a\"]\n  post-processor \"amigo-publish\" {\n    repository = \"" + archive + "\"\n  }\n}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(body, "build {") {
				body += "\nbuild { sources = [\"null.a\"] }"
			}
			p := newPerson(t)
			outside := t.TempDir() // what the user wrote
			template, values := filepath.Join(outside, "a.pkr.hcl"), filepath.Join(outside, "a.pkrvars.hcl")
			night, state := filepath.Join(outside, "nightly.hcl"), filepath.Join(p.home, "state")
			for path, text := range map[string]string{
				template: "variable \"secret\" {\n  sensitive = true\n}\n" + body,
				values:   `secret = "` + secretWord + `\"x"`,
				night: fmt.Sprintf("template = %q\nvariable_files = [%q]\nrepository = %q\nkeys = %q\nstate = %q\nnotify = [\"sh\", \"-c\", \"cat > %s\"]\n",
					template, values, s.dir, s.ring.Dir(), state, filepath.Join(p.home, "told.txt")),
			} {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, line := range []string{
				"amigo-image build -var-file " + values + " " + template,
				"amigo-image build --json --verbose -var-file " + values + " " + template,
				"amigo-image validate -var-file " + values + " " + template,
				"amigo-image inspect -var-file " + values + " " + template,
				"amigo-image nightly " + night,
				"amigo-image nightly --json " + night,
			} {
				status, out := p.private(line)
				if status == 0 && (strings.Contains(line, " build ") || strings.Contains(line, " nightly ")) {
					t.Errorf("%s: it does not fail\n%s", line, out)
				}
			}
			if _, err := os.Stat(filepath.Join(state, "junit.xml")); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { (&person{t, s.dir}).discreet("the repository", "", "") })
}

func ofAmigo(source, war, more string) string {
	return fmt.Sprintf("\nbuild {\n  sources = [\"null.a\"]\n  provisioner \"amigo\" {\n    source = %q\n    %s\n    golr {\n      documents = [%q]\n      solr_war = %q\n    }\n  }\n}",
		source, more, war, war)
}
