package tuf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"aead.dev/minisign"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

const (
	minisignKey    = "minisign.key"
	minisignPublic = "minisign.pub"
)

// Minisign signs a list of checksums for people with plain tools. The
// comment is signed too; minisign shows it when it verifies.
// It uses the prehashed form, which minisign's -H demands.
func (r *Ring) Minisign(sums []byte, comment string) ([]byte, error) {
	private, err := r.minisign()
	if err != nil {
		return nil, err
	}
	message := minisign.NewReader(bytes.NewReader(sums))
	if _, err := io.Copy(io.Discard, message); err != nil {
		return nil, fmt.Errorf("signing checksums: %w", err)
	}
	r.signed(layout.SumsFile)
	return message.SignWithComments(private, comment, "signature by minisign; the key is "+minisignPublic), nil
}

// CheckMinisign finds out whether checksums can be signed, and be verified by
// people.
func (r *Ring) CheckMinisign() error {
	_, private := r.minisign()
	_, public := r.MinisignPublic()
	return cmp.Or(private, public)
}

// MinisignPublic returns the content of minisign.pub, with which people verify.
func (r *Ring) MinisignPublic() ([]byte, error) {
	file := filepath.Join(r.dir, minisignPublic)
	content, err := regular.ReadFile(file, regular.Document)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingMinisign(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading minisign's public key: %w", err)
	}
	return content, nil
}

// minisign returns the private key.
func (r *Ring) minisign() (minisign.PrivateKey, error) {
	file := filepath.Join(r.dir, minisignKey)
	private, err := loadMinisign(file)
	if errors.Is(err, fs.ErrNotExist) {
		return private, missingMinisign(file)
	}
	return private, err
}

func missingMinisign(file string) error {
	return &MissingKeyError{Role: "the checksums", File: file, Need: 1}
}

func loadMinisign(file string) (minisign.PrivateKey, error) {
	var private minisign.PrivateKey
	content, err := regular.ReadFile(file, regular.Document)
	if err != nil {
		return private, fmt.Errorf("reading minisign's key: %w", err)
	}
	if minisign.IsEncrypted(content) {
		private, err = minisign.DecryptKey(os.Getenv(PasswordVariable), content)
		if err != nil {
			return private, &PasswordError{File: file, Err: err}
		}
		return private, nil
	}
	if err := private.UnmarshalText(content); err != nil {
		return private, fmt.Errorf("reading minisign's key %s: %w", file, err)
	}
	return private, nil
}

// generateMinisign writes a new pair of keys into dir.
func generateMinisign(dir string) error {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("making a key for minisign: %w", err)
	}
	content, err := encodeMinisign(private)
	if err != nil {
		return fmt.Errorf("making a key for minisign: %w", err)
	}
	text, err := public.MarshalText()
	if err != nil {
		return fmt.Errorf("making a key for minisign: %w", err)
	}
	return errors.Join(
		writeNew(filepath.Join(dir, minisignKey), withNewline(content), 0o600),
		writeNew(filepath.Join(dir, minisignPublic), withNewline(text), 0o644))
}

func encodeMinisign(private minisign.PrivateKey) ([]byte, error) {
	if password := os.Getenv(PasswordVariable); password != "" {
		return minisign.EncryptKey(password, private)
	}
	return private.MarshalText()
}

func withNewline(text []byte) []byte { return append(bytes.TrimRight(text, "\n"), '\n') }
