package pull

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"sort"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
)

// digests finds the chunks of an index by their digests. A large disk has
// millions, so of each it keeps the beginning of the digest only, and the
// number. Should two digests begin alike, a chunk turns out to be another when
// it is verified, and is fetched.
type digests []digest

// digest is [beginning] bytes of a chunk's digest, then its number.
type digest [beginning + 4]byte

const beginning = 8

// digestsOf returns the digests of the chunks that are not zeros.
func digestsOf(index *chunk.Index) (digests, error) {
	all := make(digests, 0, index.Filled)
	for e, err := range index.All() {
		if err != nil {
			return nil, err
		}
		if e.Zero {
			continue
		}
		var d digest
		copy(d[:], e.SHA256[:beginning])
		binary.BigEndian.PutUint32(d[beginning:], uint32(e.Number)) //nolint:gosec // at most chunk.MaxChunks
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b digest) int { return bytes.Compare(a[:], b[:]) })
	return all, nil
}

// find returns the numbers of the chunks with a digest.
func (all digests) find(want chunk.Digest) iter.Seq[int] {
	return func(yield func(int) bool) {
		first := sort.Search(len(all), func(i int) bool { return bytes.Compare(all[i][:beginning], want[:beginning]) >= 0 })
		for _, d := range all[first:] {
			if !bytes.Equal(d[:beginning], want[:beginning]) || !yield(int(binary.BigEndian.Uint32(d[beginning:]))) {
				return
			}
		}
	}
}
