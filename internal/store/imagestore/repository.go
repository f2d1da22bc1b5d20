package imagestore

import (
	"cmp"
	"errors"
	"io/fs"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

const repositoryFile = "repository.json"

// Known is what is remembered of the repository that is used when none is
// named.
type Known struct {
	Repository string            `json:"repository"`
	Channels   map[string]string `json:"channels"`          // name to version, as last seen
	Versions   []string          `json:"versions"`          // all that channels name, as last seen
	Revoked    map[string]string `json:"revoked,omitempty"` // version to reason, as last seen
	Seen       time.Time         `json:"seen"`
}

// Version returns the version that a channel was at, or else the name itself.
func (k Known) Version(name string) string { return cmp.Or(k.Channels[name], name) }

// RevokedImage returns why an image's publisher tells readers not to use it, as last
// seen, or "".
func (k Known) RevokedImage(i Image) string {
	if !address.Same(k.Repository, i.Source.Repository) {
		return ""
	}
	return k.Revoked[i.Version]
}

// Known returns what is remembered; nothing is no error.
func (s Store) Known() (Known, error) {
	k, err := readSecret[Known](s.known(repositoryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	return k, err
}

// Remember keeps what was seen of a repository. Its address may hold a secret.
func (s Store) Remember(k Known) error { return durable.WriteSecretJSON(s.known(repositoryFile), k) }
