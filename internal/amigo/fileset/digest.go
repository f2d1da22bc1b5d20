package fileset

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// Digest returns the SHA-256 over the files' paths, modes and contents in
// hexadecimal. Directories count only by what is in them, as in git.
func (s Set) Digest() (string, error) {
	files := Set{}
	for path, f := range s {
		if !f.Mode.IsDir() {
			files[path] = f
		}
	}
	m, err := files.Manifest()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = io.WriteString(h, m.String())
	return hex.EncodeToString(h.Sum(nil)), nil
}
