package repository

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/catalog"
)

// What a screenshot may have: a page is read over slow networks, too.
const (
	maxScreenshot = 1 << 20 // bytes
	maxSide       = 4096    // pixels
)

// screenshot is a picture for the pages with its content; nil is none.
type screenshot struct {
	catalog.Screenshot
	png []byte
}

// readScreenshot reads a PNG. It is encoded again, so that nothing else that a program
// wrote into the file, such as a person's name, is published.
func readScreenshot(path string) (screenshot, error) {
	content, err := regular.ReadFile(path, maxScreenshot)
	if err != nil {
		return screenshot{}, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return screenshot{}, fmt.Errorf("%s is not a PNG: %w", path, err)
	}
	if size.Width > maxSide || size.Height > maxSide {
		return screenshot{}, fmt.Errorf("%s has %d by %d pixels, at most %d by %[4]d are allowed", path, size.Width, size.Height, maxSide)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		return screenshot{}, fmt.Errorf("%s is not a whole PNG: %w", path, err)
	}
	var clean bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&clean, img)
	return screenshot{catalog.Screenshot{Width: size.Width, Height: size.Height}, clean.Bytes()}, err
}
