// Package guest talks to a running guest over SSH: it waits for it, runs
// scripts on it and copies files to and from it.
package guest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Key is an ed25519 key pair that is made for one build and dies with it.
type Key struct {
	Signer ssh.Signer
	// AuthorizedKey is the public half as a line of authorized_keys, without
	// a newline.
	AuthorizedKey string
	// PEM is the private half in OpenSSH's format.
	PEM []byte
}

// NewKey makes a key pair.
func NewKey(comment string) (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an SSH key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("making an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, fmt.Errorf("encoding an SSH key: %w", err)
	}
	line := ssh.MarshalAuthorizedKey(signer.PublicKey())
	return &Key{
		Signer:        signer,
		AuthorizedKey: string(line[:len(line)-1]) + " " + comment,
		PEM:           pem.EncodeToMemory(block),
	}, nil
}
