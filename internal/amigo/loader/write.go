package loader

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"

	"github.com/klauspost/compress/gzip"
)

// writer writes a list of documents.
type writer struct {
	missing []string // fields that documents must not have
	out     *bufio.Writer
	json    *json.Encoder
	some    bool
}

// write makes the file at path of the documents that fill adds.
func write(path string, missing []string, fill func(add func(document any) error) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w := &writer{missing: missing, out: bufio.NewWriterSize(z, 64<<10)}
	w.json = json.NewEncoder(w.out)
	w.json.SetEscapeHTML(false)
	_, err = w.out.WriteString("[")
	if err == nil {
		err = fill(w.add)
	}
	if err == nil {
		_, err = w.out.WriteString("]\n")
	}
	return errors.Join(err, w.out.Flush(), z.Close(), f.Close())
}

// add writes one more document.
func (w *writer) add(document any) (err error) {
	if len(w.missing) > 0 {
		if document, err = without(document, w.missing); err != nil {
			return err
		}
	}
	if w.some {
		if err := w.out.WriteByte(','); err != nil {
			return err
		}
	}
	w.some = true
	return w.json.Encode(document)
}
