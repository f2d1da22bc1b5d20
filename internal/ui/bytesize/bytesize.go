// Package bytesize writes numbers of bytes for people.
package bytesize

import "github.com/dustin/go-humanize"

// Of returns a number of bytes with its unit: "74 MiB", "1.9 GiB".
func Of(n int64) string {
	if n < 0 {
		return "-" + humanize.IBytes(uint64(-n))
	}
	return humanize.IBytes(uint64(n))
}
