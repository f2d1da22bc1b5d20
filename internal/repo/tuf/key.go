package tuf

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// PasswordVariable is the environment variable that holds the password of the
// keys, if they have one.
const PasswordVariable = "AMIGO_IMAGE_KEY_PASSWORD" //nolint:gosec // a name

// key is an ed25519 key that can sign.
type key struct {
	file   string
	id     string // of TUF
	public *metadata.Key
	signer signature.Signer
}

// generateKey writes a new key to a file that must not exist.
func generateKey(file string) (key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, fmt.Errorf("making the key %s: %w", file, err)
	}
	content, err := encodeKey(private)
	if err != nil {
		return key{}, fmt.Errorf("making the key %s: %w", file, err)
	}
	if err := writeNew(file, content, 0o600); err != nil {
		return key{}, err
	}
	return keyFrom(file, private)
}

// NewKey is a pair of keys that was made.
type NewKey struct {
	File   string `json:"file"`
	Public string `json:"public"` // the file to give away
	ID     string `json:"id"`
}

// GenerateKey makes the root key of a person, and beside it the file with its
// public half, which has the same name and ends with .pub. Neither may exist.
func GenerateKey(file string) (NewKey, error) {
	made := NewKey{File: file, Public: strings.TrimSuffix(file, ".key") + ".pub"}
	if _, err := os.Lstat(made.Public); err == nil {
		return made, fmt.Errorf("writing %s: %w", made.Public, fs.ErrExist)
	}
	k, err := generateKey(file)
	if err != nil {
		return made, err
	}
	made.ID = k.id
	public, err := k.signer.PublicKey()
	if err != nil {
		return made, fmt.Errorf("making the key %s: %w", file, err)
	}
	content, err := cryptoutils.MarshalPublicKeyToPEM(public)
	if err != nil {
		return made, fmt.Errorf("making the key %s: %w", file, err)
	}
	return made, writeNew(made.Public, content, 0o644)
}

// readPublicKeys reads the public keys that people sent.
func readPublicKeys(files []string) ([]*metadata.Key, error) {
	var keys []*metadata.Key
	for _, file := range files {
		k, err := readPublicKey(file)
		if err != nil {
			return nil, &SetupError{Err: fmt.Errorf("reading the public key %s: %w", file, err)}
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func readPublicKey(file string) (*metadata.Key, error) {
	content, err := regular.ReadFile(file, regular.Document)
	if err != nil {
		return nil, err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(content)
	if err != nil {
		return nil, errors.New("it is not a public key in PEM")
	}
	if _, ok := public.(ed25519.PublicKey); !ok {
		return nil, errors.New("it is not an ed25519 key")
	}
	return metadata.KeyFromPublicKey(public)
}

func encodeKey(private ed25519.PrivateKey) ([]byte, error) {
	password := []byte(os.Getenv(PasswordVariable))
	if len(password) == 0 {
		return cryptoutils.MarshalPrivateKeyToPEM(private)
	}
	der, err := cryptoutils.MarshalPrivateKeyToEncryptedDER(private, cryptoutils.StaticPasswordFunc(password))
	if err != nil {
		return nil, fmt.Errorf("encrypting it: %w", err)
	}
	return cryptoutils.PEMEncode(cryptoutils.EncryptedSigstorePrivateKeyPEMType, der), nil
}

// loadKey reads a key from its file.
func loadKey(file string) (key, error) {
	content, err := regular.ReadFile(file, regular.Document)
	if err != nil {
		return key{}, fmt.Errorf("reading a key: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return key{}, fmt.Errorf("reading the key %s: it is not in PEM", file)
	}
	password := []byte(os.Getenv(PasswordVariable))
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(content, cryptoutils.StaticPasswordFunc(password))
	switch ed, ok := private.(ed25519.PrivateKey); {
	case err != nil && block.Type != string(cryptoutils.PrivateKeyPEMType):
		return key{}, &PasswordError{File: file, Err: err}
	case err != nil:
		return key{}, fmt.Errorf("reading the key %s: %w", file, err)
	case !ok:
		return key{}, fmt.Errorf("reading the key %s: it is not an ed25519 key", file)
	default:
		return keyFrom(file, ed)
	}
}

func keyFrom(file string, private ed25519.PrivateKey) (key, error) {
	signer, err := signature.LoadED25519Signer(private)
	if err != nil {
		return key{}, fmt.Errorf("using the key %s: %w", file, err)
	}
	public, err := metadata.KeyFromPublicKey(private.Public())
	if err != nil {
		return key{}, fmt.Errorf("using the key %s: %w", file, err)
	}
	id, err := public.ID()
	if err != nil {
		return key{}, fmt.Errorf("using the key %s: %w", file, err)
	}
	return key{file: file, id: id, public: public, signer: signer}, nil
}

// writeNew writes a file that must not exist.
func writeNew(file string, content []byte, mode os.FileMode) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("writing %s: %w", file, fs.ErrExist)
	}
	return durable.WriteFile(file, content, mode)
}

// rename refuses to replace a file.
func rename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}
