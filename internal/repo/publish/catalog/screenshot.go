package catalog

// Screenshot is the picture of AmiGO on the pages, the repository's screenshot.png.
// The zero value is none.
type Screenshot struct {
	Width  int `json:"width"` // pixels
	Height int `json:"height"`
}
