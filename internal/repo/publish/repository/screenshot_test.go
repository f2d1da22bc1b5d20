package repository

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	pixels "image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestScreenshot: the picture and the publisher's name are on the pages, and stay
// there when somebody else moves a channel who gives neither.
func TestScreenshot(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(t.TempDir(), "amigo.png")
	writeFile(t, file, withText(encode(t, 300, 200), "Author", "Mira Example"))
	open := func(o Options) *bench {
		o.Now = b.Now
		r, err := Open(t.Context(), b.dir, b.ring, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		return &bench{Repository: r, t: t, dir: b.dir, now: b.now}
	}
	open(Options{Screenshot: file, Publisher: "Gene Ontology Consortium"}).publish(outputs(t, "a"), "nightly")
	if _, err := open(Options{}).Promote(t.Context(), Promotion{From: "nightly", Channel: "stable"}); err != nil {
		t.Fatal(err)
	}
	for page, root := range map[string]string{"index.html": "", "stable/index.html": "../"} {
		b.says(page, `<img src="`+root+`screenshot.png" width="300" height="200"`)
		b.says(page, "<b>Gene Ontology Consortium</b> publishes")
	}
	b.says("stable/feed.atom", "<name>Gene Ontology Consortium</name>")
	content, err := os.ReadFile(filepath.Join(b.dir, "screenshot.png"))
	if err != nil || bytes.Contains(content, []byte("Mira")) {
		t.Errorf("the picture tells who made it, or is not there: %v", err)
	}
}

func TestScreenshotRefused(t *testing.T) {
	whole := encode(t, 300, 200)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"text":   {[]byte("<svg/>"), "is not a PNG"},
		"cut":    {whole[:len(whole)-30], "is not a whole PNG"},
		"wide":   {encode(t, maxSide+1, 1), "4097 by 1 pixels, at most 4096 by 4096 are allowed"},
		"large":  {make([]byte, maxScreenshot+1), "too large: it has more than 1.0 MiB"},
		"absent": {nil, "no such file"},
	} {
		file := filepath.Join(t.TempDir(), "amigo.png")
		if c.content != nil {
			writeFile(t, file, c.content)
		}
		_, err := Open(t.Context(), t.TempDir(), nil, Options{Screenshot: file})
		if err == nil || !strings.HasPrefix(err.Error(), "screenshot: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withText adds a chunk of text to a PNG, before its last chunk.
func withText(content []byte, key, text string) []byte {
	body := append([]byte("tEXt"+key+"\x00"), text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	end := len(content) - 12
	return slices.Concat(content[:end], chunk, content[end:])
}

func encode(t *testing.T, width, height int) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, pixels.NewGray(pixels.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}
