// Package pull brings images here: a raw disk from what older disks hold and
// from ranges of a file of frames, or a plain file. What it was about to do
// survives any death, and nothing is under its final name before its digest
// is checked.
package pull

import (
	"bytes"
	"iter"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
)

// Bounds of what is fetched by one request, in bytes. A few unneeded frames
// cost less than another request: with six of those on their way over a line
// of 20 Mbit/s and 80 ms, about 32 KiB. A death loses at most a span a worker.
const (
	maxGap  = 32 << 10
	maxSpan = 8 << 20
)

// Seed is a disk that is here already.
type Seed struct {
	Disk  string // path of the raw disk
	Index chunk.Index
}

// Use is how much of a seed is of use.
type Use struct {
	Disk  string
	Bytes int64 // of the new disk
}

// Plan is how a disk comes here. It is a pure value: what an interrupted pull
// left is found when the plan is carried out.
type Plan struct {
	Index  chunk.Index
	Fetch  int64   // bytes that come over the network
	Ranges []Range // that are fetched
	Reused int64   // bytes of the disk that seeds have
	Seeds  []Use   // in the order they were given
	Disk   int64   // bytes that the new disk takes; holes take none

	places  []chunk.Place
	sources []source // of each chunk
}

// Range is a part of the file of frames that is fetched at once.
type Range struct {
	First, Last    int   // chunks
	Offset, Length int64 // bytes
}

// source is where in which seed a chunk is, or 0: large disks have many. The
// seed's number, from 1, is above the offset.
type source uint64

const offsetBits = 48 // a disk of 256 TiB

func sourceAt(seed int, offset int64) source {
	return source(seed)<<offsetBits | source(offset) //nolint:gosec // neither is negative
}

func (s source) seed() int     { return int(s >> offsetBits) }           //nolint:gosec // see above
func (s source) offset() int64 { return int64(s & (1<<offsetBits - 1)) } //nolint:gosec // see above

// Make plans how to get the disk of index with the help of seeds. Of several
// that have a chunk, the first gives it.
func Make(index chunk.Index, seeds ...Seed) Plan { return MakeFrom(index, slices.Values(seeds)) }

// MakeFrom is [Make] with seeds that come one after the other: only one index
// besides the new disk's takes memory at a time.
func MakeFrom(index chunk.Index, seeds iter.Seq[Seed]) Plan {
	p := Plan{Index: index, Disk: index.Content(), places: index.Places()}
	p.sources = make([]source, len(index.Chunks))
	for seed := range seeds {
		use := Use{Disk: seed.Disk, Bytes: p.seed(len(p.Seeds)+1, seed.Index)}
		p.Seeds, p.Reused = append(p.Seeds, use), p.Reused+use.Bytes
	}
	p.Ranges = p.merge(0, len(index.Chunks)-1, func(i int) bool { return p.sources[i] == 0 })
	p.Fetch = length(p.Ranges)
	return p
}

// seed takes from a seed what no other has, and returns how many bytes.
func (p *Plan) seed(number int, index chunk.Index) int64 {
	order, places := byDigest(index.Chunks), index.Places()
	var sum int64
	for i, c := range p.Index.Chunks {
		if c.Zero || p.sources[i] != 0 {
			continue
		}
		at, found := slices.BinarySearchFunc(order, c.SHA256, func(n uint32, d chunk.Digest) int {
			return bytes.Compare(index.Chunks[n].SHA256[:], d[:])
		})
		if found && index.Chunks[order[at]].Length == c.Length {
			p.sources[i] = sourceAt(number, places[order[at]].Offset)
			sum += int64(c.Length)
		}
	}
	return sum
}

// byDigest returns the numbers of the chunks that are not zero, in the order
// of their digests: a map would take several times the memory.
func byDigest(chunks []chunk.Chunk) []uint32 {
	order := make([]uint32, 0, len(chunks))
	for i, c := range chunks {
		if !c.Zero {
			order = append(order, uint32(i)) //nolint:gosec // at most chunk.MaxChunks
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return bytes.Compare(chunks[a].SHA256[:], chunks[b].SHA256[:])
	})
	return order
}

// merge returns the ranges that hold the frames of all missing chunks from
// first to last.
func (p *Plan) merge(first, last int, missing func(int) bool) []Range {
	var ranges []Range
	for i := first; i <= last; i++ {
		c := p.Index.Chunks[i]
		if c.Zero || !missing(i) {
			continue
		}
		start, end := p.places[i].Frame, p.places[i].Frame+int64(c.Frame)
		if n := len(ranges) - 1; n >= 0 && start-ranges[n].end() <= maxGap && end-ranges[n].Offset <= maxSpan {
			ranges[n].Last, ranges[n].Length = i, end-ranges[n].Offset
			continue
		}
		ranges = append(ranges, Range{First: i, Last: i, Offset: start, Length: end - start})
	}
	return ranges
}

func (r Range) end() int64 { return r.Offset + r.Length }

func length(ranges []Range) int64 {
	var sum int64
	for _, r := range ranges {
		sum += r.Length
	}
	return sum
}
