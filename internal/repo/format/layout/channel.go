package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Channel is the state of a channel. It is signed, as the custom data of the
// target at [Pointer].
type Channel struct {
	Schema   int       `json:"schema"`
	Channel  string    `json:"channel"`
	Sequence int64     `json:"sequence"` // rises with every move, to older versions too
	Version  string    `json:"version"`
	Manifest Reference `json:"manifest"` // of the version's manifest.json
	History  []Move    `json:"history"`  // newest first; the first is how Version came
	// Revoked names versions that nobody should use, and why.
	Revoked map[string]string `json:"revoked,omitempty"`
}

// Reference pins a file.
type Reference struct {
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Action is how a channel came to a version.
type Action string

// The ways in which a channel moves.
const (
	Published  Action = "publish"
	Promoted   Action = "promote"
	RolledBack Action = "rollback"
)

// Move is one entry of a channel's history.
type Move struct {
	Sequence int64     `json:"sequence"`
	Action   Action    `json:"action"`
	Version  string    `json:"version"`
	Manifest Reference `json:"manifest"`
	At       time.Time `json:"at"` // UTC, whole seconds
	By       string    `json:"by,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// Moved returns the channel after a move. It fills in the move's sequence.
func (c Channel) Moved(move Move) Channel {
	c.Schema = Schema
	c.Sequence++
	move.Sequence, move.At = c.Sequence, move.At.UTC().Truncate(time.Second)
	c.Version, c.Manifest = move.Version, move.Manifest
	c.History = append([]Move{move}, c.History...)
	return c
}

// Encode returns the channel as it is signed.
func (c Channel) Encode() (json.RawMessage, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	content, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing a channel: %w", err)
	}
	return content, nil
}

// DecodeChannel reads the state of the channel of that name.
func DecodeChannel(name string, content []byte) (Channel, error) {
	var c Channel
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("reading channel %s: %w", name, err)
	}
	if c.Channel != name {
		return c, fmt.Errorf("reading channel %s: it is the state of channel %q", name, c.Channel)
	}
	return c, c.validate()
}

func (c Channel) validate() error {
	faults := []error{CheckChannel(c.Channel), CheckVersion(c.Version)}
	if c.Schema != Schema {
		faults = append(faults, fmt.Errorf("schema %d is not known here, only %d", c.Schema, Schema))
	}
	if c.Sequence < 1 {
		faults = append(faults, errors.New("its sequence is not above 0"))
	}
	if c.Manifest.Size <= 0 || !manifest.IsDigest(c.Manifest.SHA256) {
		faults = append(faults, errors.New("it pins no manifest"))
	}
	for _, move := range c.History {
		faults = append(faults, CheckVersion(move.Version))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("channel %s: %w", c.Channel, err)
	}
	return nil
}
