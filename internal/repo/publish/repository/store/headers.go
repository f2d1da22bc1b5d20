package store

import (
	"path"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Values of Cache-Control. What is written once may be kept for ever, and no
// proxy may compress it: readers ask for ranges of it.
const (
	forever = "public, max-age=31536000, immutable, no-transform"
	never   = "no-store"
)

// cacheControl returns how long a file may be kept by who reads it.
func cacheControl(name string) string {
	inMetadata := strings.HasPrefix(name, layout.MetadataDir+"/")
	if strings.HasPrefix(name, layout.VersionsDir+"/") || inMetadata && name != layout.Metadata("timestamp.json") {
		return forever
	}
	return never
}

// contentType returns what a file says that it is. Nothing is left to guess:
// a guess may depend on the store.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".atom":
		return "application/atom+xml"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".txt", ".md", ".minisig", ".pub":
		return "text/plain; charset=utf-8"
	}
	if path.Base(name) == layout.SumsFile {
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
