package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// UserKeys returns the public keys in a user's .ssh directory, as lines of
// authorized_keys. What is not a key is left out.
func UserKeys(home string) []string {
	paths, err := filepath.Glob(filepath.Join(home, ".ssh", "id_*.pub"))
	if err != nil {
		return nil
	}
	slices.Sort(paths)
	var keys []string
	for _, path := range paths {
		if key, err := ReadKey(path); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// ReadKey reads the public key at path, or the one that belongs to the private
// key at path.
func ReadKey(path string) (string, error) {
	if content, err := regular.ReadFile(path+".pub", regular.Document); err == nil {
		return parseKey(path+".pub", content)
	}
	content, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return "", fmt.Errorf("reading an SSH key: %w", err)
	}
	return parseKey(path, content)
}

func parseKey(path string, content []byte) (string, error) {
	key, comment, _, _, err := ssh.ParseAuthorizedKey(content)
	if err != nil {
		return "", fmt.Errorf("%s holds no public SSH key", path)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return strings.TrimSpace(line + " " + comment), nil
}

// ownKey returns the machine's own key, which is made once: an image takes
// root's keys at its first boot only.
func ownKey(m imagestore.Machine) (*guest.Key, error) {
	path := m.Path(imagestore.KeyFile)
	content, err := regular.ReadFile(path, regular.Document)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := guest.NewKey("amigo-image")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, key.PEM, 0o600); err != nil {
			return nil, fmt.Errorf("keeping the machine's key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the machine's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return &guest.Key{Signer: signer, AuthorizedKey: line + " amigo-image", PEM: content}, nil
}
