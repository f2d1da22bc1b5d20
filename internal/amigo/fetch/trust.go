package fetch

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// systemTrust is where Debian keeps all trusted certificates in one file.
const systemTrust = "/etc/ssl/certs/ca-certificates.crt"

func (o Options) pool() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the host's trusted certificates: %w", err)
	}
	for _, file := range o.Authorities {
		text, err := readPEM(file)
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(text)
	}
	return pool, nil
}

func readPEM(file string) ([]byte, error) {
	text, err := regular.ReadFile(file, regular.Document)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate authority: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading a certificate authority: %s holds no certificate in PEM form", file)
	}
	return text, nil
}

// Validate says what is wrong with the authorities' files.
func (o Options) Validate() error {
	for _, file := range o.Authorities {
		if _, err := readPEM(file); err != nil {
			return err
		}
	}
	return nil
}

// TrustFile returns a file with the host's trusted certificates and the
// authorities', for programs that take only one, or "" without authorities.
func (o Options) TrustFile(ctx context.Context, c cache.Dir) (string, error) {
	if len(o.Authorities) == 0 {
		return "", nil
	}
	all, err := regular.ReadFile(systemTrust, regular.Document)
	if err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("reading the host's trusted certificates: %w", err)
	}
	parts := [][]byte{all}
	for _, file := range o.Authorities {
		text, err := readPEM(file)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	text := bytes.Join(parts, []byte("\n"))
	dir, _, err := c.Get(ctx, "trust", cache.Key(string(text)), func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "ca.pem"), text, 0o644)
	})
	return filepath.Join(dir, "ca.pem"), err
}
