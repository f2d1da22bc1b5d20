package manifest

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Sum is a line of SHA256SUMS.
type Sum struct{ SHA256, Name string }

// FormatSums returns the content of SHA256SUMS as coreutils' sha256sum reads
// it, sorted by name.
func FormatSums(sums []Sum) string {
	sorted := slices.SortedFunc(slices.Values(sums), func(a, b Sum) int { return cmp.Compare(a.Name, b.Name) })
	var out strings.Builder
	for _, sum := range sorted {
		out.WriteString(sum.SHA256 + "  " + sum.Name + "\n")
	}
	return out.String()
}

// ParseSums reads SHA256SUMS. Names are files beside it, never paths.
func ParseSums(r io.Reader) ([]Sum, error) {
	var sums []Sum
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		digest, name, ok := strings.Cut(scanner.Text(), " ")
		if !ok || !IsDigest(digest) || len(name) < 2 || (name[0] != ' ' && name[0] != '*') || !isFileName(name[1:]) {
			return nil, fmt.Errorf("reading %s: %q is not a digest and the name of a file", SumsName, scanner.Text())
		}
		sums = append(sums, Sum{strings.ToLower(digest), name[1:]})
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", SumsName, err)
	}
	return sums, nil
}

// Digest returns the SHA-256 digest of content, hexadecimal.
func Digest(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// DigestFile returns the size and the SHA-256 digest of a file, as [Read] does.
func DigestFile(path string, progress func(done, total int64)) (size int64, digest string, err error) {
	found, err := Read(path, progress)
	return found.Size, found.SHA256, err
}
