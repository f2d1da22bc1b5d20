// Package pull brings images here: a raw disk from what older disks hold and
// from ranges of a file of frames, or a plain file. What it was about to do
// survives any death, and nothing is under its final name before its digest
// is checked.
package pull

import (
	"iter"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
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
	Index *chunk.Index
}

// Use is how much of a seed can be reused.
type Use struct {
	Disk  string
	Bytes int64 // of the new disk
}

// Delta is how a disk comes here. What an interrupted pull left is found when
// the plan is carried out.
type Delta struct {
	Index    *chunk.Index
	Fetch    int64 // bytes that come over the network
	Requests int   // by which they come
	Reused   int64 // bytes of the disk that seeds have
	Seeds    []Use // in the order they were given
	Disk     int64 // bytes that the new disk takes; holes take none

	sources []source // of each chunk; nil without seeds
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
// that have a chunk, the first gives it. Errors are those of reading index.
func Make(index *chunk.Index, seeds ...Seed) (Delta, error) {
	return MakeFrom(index, slices.Values(seeds))
}

// MakeFrom is [Make] with seeds that come one after the other. A seed's index
// is done with when the next one comes.
func MakeFrom(index *chunk.Index, seeds iter.Seq[Seed]) (Delta, error) {
	p := Delta{Index: index, Disk: index.Content}
	if err := p.seed(seeds); err != nil {
		return p, err
	}
	all, err := sum(p.ranges(0, index.Chunks-1, func(i int) bool { return p.source(i) == 0 }))
	p.Requests, p.Fetch = all.ranges, all.bytes
	return p, err
}

// source returns where a chunk is.
func (p *Delta) source(i int) source {
	if p.sources == nil {
		return 0
	}
	return p.sources[i]
}

// seed takes from each seed what no other has.
func (p *Delta) seed(seeds iter.Seq[Seed]) error {
	var wanted digests
	for seed := range seeds {
		if p.sources == nil {
			var err error
			if wanted, err = digestsOf(p.Index); err != nil {
				return err
			}
			p.sources = make([]source, p.Index.Chunks)
		}
		use := Use{Disk: seed.Disk, Bytes: p.takeFrom(len(p.Seeds)+1, seed.Index, wanted)}
		p.Seeds, p.Reused = append(p.Seeds, use), p.Reused+use.Bytes
	}
	return nil
}

// takeFrom takes what can be reused from a seed, and returns how many bytes. A seed that
// can't be read to its end has given what it had until there.
func (p *Delta) takeFrom(number int, index *chunk.Index, wanted digests) int64 {
	var taken int64
	for e, err := range index.All() {
		if err != nil {
			break
		}
		if e.Zero {
			continue
		}
		for i := range wanted.find(e.SHA256) {
			if p.sources[i] == 0 {
				p.sources[i] = sourceAt(number, e.Offset)
				taken += int64(e.Length)
			}
		}
	}
	return taken
}

// ranges returns the ranges that hold the frames of all missing chunks from
// first to last. They are found as they are asked for: there may be many.
func (p *Delta) ranges(first, last int, missing func(int) bool) iter.Seq2[Range, error] {
	return func(yield func(Range, error) bool) {
		var r Range
		for e, err := range p.Index.From(first) {
			if err != nil {
				yield(Range{}, err)
				return
			}
			if e.Number > last {
				break
			}
			if e.Zero || !missing(e.Number) {
				continue
			}
			if r.Length > 0 && e.FrameOffset-r.end() <= maxGap && e.End()-r.Offset <= maxSpan {
				r.Last, r.Length = e.Number, e.End()-r.Offset
				continue
			}
			if r.Length > 0 && !yield(r, nil) {
				return
			}
			r = Range{First: e.Number, Last: e.Number, Offset: e.FrameOffset, Length: int64(e.Frame)}
		}
		if r.Length > 0 {
			yield(r, nil)
		}
	}
}

func (r Range) end() int64 { return r.Offset + r.Length }

// total is what ranges add up to.
type total struct {
	ranges int
	bytes  int64
	last   int // chunk
}

func sum(ranges iter.Seq2[Range, error]) (all total, err error) {
	for r, err := range ranges {
		if err != nil {
			return all, err
		}
		all.ranges, all.bytes, all.last = all.ranges+1, all.bytes+r.Length, r.Last
	}
	return all, nil
}
