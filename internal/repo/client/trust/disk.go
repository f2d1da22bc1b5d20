package trust

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// What lies in a client's directory:
//
//	roots/N.root.json       every root since the one that is pinned
//	timestamp.json  snapshot.json  targets.json  <channel>.json
//	seen.json               what it remembers even if the others are lost
//	damaged/                what it could not read
//	lock
const (
	rootsDir   = "roots"
	damagedDir = "damaged"
	lockFile   = "lock"
)

// lock waits until nobody else uses the directory.
func (c *Client) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(c.dir, rootsDir), 0o755); err != nil {
		return nil, fmt.Errorf("keeping what is known of the repository: %w", err)
	}
	c.mutex.Lock()
	file := flock.New(filepath.Join(c.dir, lockFile))
	if _, err := file.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		c.mutex.Unlock()
		return nil, fmt.Errorf("waiting for another process to finish with %s: %w", c.dir, err)
	}
	c.sweep()
	return func() {
		_ = file.Unlock()
		c.mutex.Unlock()
	}, nil
}

// sweep removes what dead processes were writing. Only the holder of the lock
// writes.
func (c *Client) sweep() {
	for _, pattern := range []string{durable.Leftovers, filepath.Join(rootsDir, durable.Leftovers)} {
		files, _ := filepath.Glob(filepath.Join(c.dir, pattern))
		for _, file := range files {
			_ = os.Remove(file)
		}
	}
}

func rootFile(version int64) string {
	return filepath.Join(rootsDir, strconv.FormatInt(version, 10)+".root.json")
}

// roleFile returns the name of a role's file on disk, whatever the role's name.
func roleFile(role string) string { return url.PathEscape(role) + ".json" }

// rootVersions returns the versions of the roots on disk.
func (c *Client) rootVersions() []int64 {
	entries, _ := os.ReadDir(filepath.Join(c.dir, rootsDir))
	var versions []int64
	for _, entry := range entries {
		number, ok := strings.CutSuffix(entry.Name(), ".root.json")
		version, err := strconv.ParseInt(number, 10, 64)
		if ok && err == nil {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	return versions
}

// read returns a file, or nil if it cannot be read: the repository has it.
func (c *Client) read(name string) []byte {
	content, err := regular.ReadFile(filepath.Join(c.dir, name), regular.Document)
	if err != nil {
		return nil
	}
	return content
}

// keep replaces a file.
func (c *Client) keep(name string, content []byte) error {
	if err := durable.WriteFile(filepath.Join(c.dir, name), content, 0o644); err != nil {
		return fmt.Errorf("keeping what is known of the repository: %w", err)
	}
	return nil
}

// quarantine takes a damaged file away, to be looked at by a person.
func (s *session) quarantine(name string) {
	s.damaged = append(s.damaged, filepath.Join(s.client.dir, name))
	dir := filepath.Join(s.client.dir, damagedDir)
	_ = os.MkdirAll(dir, 0o755)
	// Where it cannot be moved it is overwritten when the good one has come.
	_ = os.Rename(filepath.Join(s.client.dir, name), filepath.Join(dir, filepath.Base(name)))
}
