package layout

import (
	"encoding/json"
	"fmt"
	"time"
)

// Catalog is channels.json: the repository at a glance, for scripts that trust
// the web server. Who wants proof reads the signed metadata.
type Catalog struct {
	Schema    int               `json:"schema"`
	Product   string            `json:"product"`
	Updated   time.Time         `json:"updated"`
	Channels  []Channel         `json:"channels"`
	Versions  []VersionManifest `json:"versions"` // newest first
	Withdrawn []Tombstone       `json:"withdrawn,omitempty"`
	Nights    []Night           `json:"nights,omitempty"` // newest first
}

// Tombstone is what is left of a version that was pruned.
type Tombstone struct {
	Version string    `json:"version"`
	Created time.Time `json:"created"`
	Removed time.Time `json:"removed"`
	Reason  string    `json:"reason"`
	// Files are removed not before this: readers of older metadata need them.
	NotBefore time.Time `json:"not_before"`
	Done      bool      `json:"done"`
}

// Night is the result of one nightly run.
type Night struct {
	At      time.Time `json:"at"`
	Result  string    `json:"result"` // "published", "no change", "build failed", ...
	Version string    `json:"version,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// Encode returns the content of channels.json.
func (c Catalog) Encode() ([]byte, error) {
	c.Schema = Schema
	return encode(c)
}

// DecodeCatalog reads channels.json.
func DecodeCatalog(content []byte) (Catalog, error) {
	var c Catalog
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("reading %s: %w", ChannelsFile, err)
	}
	if c.Schema != Schema {
		return c, fmt.Errorf("reading %s: schema %d is not known here, only %d", ChannelsFile, c.Schema, Schema)
	}
	return c, nil
}
