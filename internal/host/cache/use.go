package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// inUse are the directories of the entries that this process has got, by path.
// They are open, and locked, until it ends: a path that [Dir.Get] returned has
// no other end of its use.
var inUse = struct {
	sync.Mutex
	dirs map[string]*flock.Flock
}{dirs: map[string]*flock.Flock{}}

// use marks the directory as used now, and keeps it from being removed. It
// returns false if it is not there, or about to go.
func use(dir, entry string) (bool, error) {
	f, err := grab(dir, (*flock.Flock).TryRLock, onDirectory(0))
	if errors.Is(err, fs.ErrNotExist) || err == nil && f == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("using a cache entry: %w", err)
	}
	inUse.Lock()
	before := inUse.dirs[entry]
	inUse.dirs[entry] = f
	inUse.Unlock()
	if before != nil {
		_ = before.Close()
	}
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil {
		return false, fmt.Errorf("marking a cache entry as used: %w", err)
	}
	return true, nil
}
