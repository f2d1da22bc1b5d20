package loader

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lanrat/extsort"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
)

// key is what records are sorted by.
type key struct {
	entity string
	kind   kind
}

// kind tells records of an entity apart. What a GPI file says of it comes first.
type kind byte

const (
	fromGPI      kind = '0'
	fromGAF      kind = '1'
	ofAnnotation kind = '2'
)

// record is what is sorted.
type record struct {
	Entity     *annotation.Entity     `json:"e,omitempty"`
	Annotation *annotation.Annotation `json:"a,omitempty"`
}

// group is all that is known of an entity, each annotation once.
type group struct {
	entity      *annotation.Entity // nil: only its annotations are known
	annotations []*annotation.Annotation
}

// chunk is how many records of some 500 bytes are sorted at a time. Two are sorted while
// others are read and written.
const chunk = 10_000

// grouped calls take for each entity, in the order of their IDs, with what read
// has passed on. It needs little memory: the records are sorted on the disk, in dir.
func grouped(ctx context.Context, dir string, read func(func(key, record) error) error, take func(string, group) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	in := make(chan string, 256)
	sorter, sorted, failed := extsort.Strings(in, &extsort.Config{ChunkSize: chunk, SortedChanBuffSize: 256, TempFilesDir: dir})
	reading := make(chan error, 1)
	go func() {
		defer close(in)
		err := read(func(k key, r record) error { return send(ctx, in, k, r) })
		if err != nil {
			stop(err)
		}
		reading <- err
	}()
	go sorter.Sort(ctx)
	taking := groups(sorted, take)
	if taking != nil {
		stop(taking)
		for range sorted { // the sorter ends when nothing is left
		}
	}
	// A sorter that has failed, such as on a full disk, takes nothing more.
	sorting := <-failed
	if sorting != nil {
		stop(fmt.Errorf("sorting annotations: %w", sorting))
	}
	if err := <-reading; err != nil {
		return err
	}
	if taking != nil {
		return taking
	}
	return sorting
}

func send(ctx context.Context, in chan<- string, k key, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	select {
	case in <- k.entity + "\t" + string(k.kind) + "\t" + string(text):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// groups puts sorted records together.
func groups(sorted <-chan string, take func(string, group) error) error {
	var g group
	current, last := "", ""
	for text := range sorted {
		if text == last {
			continue
		}
		last = text
		cells := strings.SplitN(text, "\t", 3)
		var r record
		if err := json.Unmarshal([]byte(cells[2]), &r); err != nil {
			return fmt.Errorf("reading what was sorted: %w", err)
		}
		if cells[0] != current {
			if err := g.end(current, take); err != nil {
				return err
			}
			current, g = cells[0], group{}
		}
		if g.entity == nil {
			g.entity = r.Entity
		}
		if r.Annotation != nil {
			g.annotations = append(g.annotations, r.Annotation)
		}
	}
	return g.end(current, take)
}

func (g group) end(id string, take func(string, group) error) error {
	if id == "" {
		return nil
	}
	return take(id, g)
}
