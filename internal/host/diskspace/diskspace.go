// Package diskspace tells how much more fits on a disk.
package diskspace

import "golang.org/x/sys/unix"

// Free returns how many bytes its user may still write to the file system that a file or
// directory is on.
func Free(path string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * stat.Bsize, nil //nolint:gosec // no disk is that large
}
