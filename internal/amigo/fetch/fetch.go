// Package fetch brings files to the host, over HTTP or from its own disks, and
// unpacks them.
package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Options are about how files come over the network.
type Options struct {
	Authorities []string                // PEM files of certificate authorities to trust in addition to the host's
	Progress    func(done, total int64) // in bytes; total is 0 when unknown; may be nil
}

// ChecksumError says that a file is not what it should be.
type ChecksumError struct{ Name, Want, Got string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s has sha256 %s, and should have %s", address.Shown(e.Name), e.Got, e.Want)
}

// Fault implements [fault.Reporter].
func (e *ChecksumError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Verify}
}

var checksum = regexp.MustCompile(`^(sha256:)?[0-9a-f]{64}$`)

// ValidChecksum says what is wrong with a checksum; the empty one is right.
func ValidChecksum(sum string) error {
	if sum != "" && !checksum.MatchString(sum) {
		return fmt.Errorf("%q is not \"sha256:\" and 64 hexadecimal digits in lower case", sum)
	}
	return nil
}

// IsURL tells whether a location is an address and no path.
func IsURL(location string) bool {
	return strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://")
}

// File brings the file at location, an HTTP address or a path, to the host and
// returns its path and SHA-256 in hexadecimal. want is "sha256:..." or, for a
// path, may be "". What was loaded before is not loaded again.
func File(ctx context.Context, c cache.Dir, location, want string, o Options) (file, sum string, err error) {
	want = strings.TrimPrefix(want, "sha256:")
	if IsURL(location) {
		return download(ctx, c, location, want, o)
	}
	file, err = filepath.Abs(location)
	if err != nil {
		return "", "", fmt.Errorf("finding %s: %w", address.Shown(location), err)
	}
	sum, err = Sum(file)
	if err == nil && want != "" && sum != want {
		err = &ChecksumError{Name: location, Want: want, Got: sum}
	}
	return file, sum, err
}

// Sum returns the SHA-256 of a file in hexadecimal.
func Sum(file string) (string, error) {
	f, err := regular.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func download(ctx context.Context, c cache.Dir, location, want string, o Options) (file, sum string, err error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", "", fmt.Errorf("%s is not an address: %w", address.Shown(location), address.Error(err))
	}
	name := path.Base(u.Path)
	dir, _, err := c.Get(ctx, "download", cache.Key(want, name), func(dir string) error {
		got, err := load(ctx, location, filepath.Join(dir, name), o)
		if err == nil && got != want {
			err = &ChecksumError{Name: location, Want: want, Got: got}
		}
		return err
	})
	return filepath.Join(dir, name), want, err
}

func load(ctx context.Context, location, to string, o Options) (sum string, err error) {
	client, err := o.client()
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return "", fmt.Errorf("loading %s: %w", address.Shown(location), address.Error(err))
	}
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("loading %s: %w", address.Shown(location), address.Error(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("loading %s: the server answers %s", address.Shown(location), answer.Status)
	}
	sum, err = save(answer.Body, to, max(answer.ContentLength, 0), o.Progress)
	if err != nil {
		return "", fmt.Errorf("loading %s: %w", address.Shown(location), err)
	}
	return sum, nil
}

func save(from io.Reader, to string, total int64, progress func(done, total int64)) (sum string, err error) {
	f, err := os.Create(to)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	watched := &Meter{Total: total, Tell: progress}
	if _, err = io.Copy(io.MultiWriter(f, h, watched), from); err != nil {
		_ = f.Close()
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
}

// Meter is written what has come of a file, and tells how much that is.
type Meter struct {
	Total int64                   // bytes; 0 when unknown
	Tell  func(done, total int64) // may be nil

	done int64
}

// Write never fails.
func (m *Meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	if m.Tell != nil {
		m.Tell(m.done, m.Total)
	}
	return len(p), nil
}

func (o Options) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = address.Proxy
	if len(o.Authorities) > 0 {
		pool, err := o.pool()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, CheckRedirect: address.Follow}, nil
}
