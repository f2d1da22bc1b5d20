package component

import (
	"encoding/json"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// ReadingState returns a reading as an artifact's state.
func ReadingState(r manifest.Reading) string {
	text, err := json.Marshal(r)
	if err != nil {
		return "" // the disk is read again
	}
	return string(text)
}

// ReadingOf returns what an artifact knows of its disk's content; the zero value
// if it knows nothing.
func ReadingOf(a packersdk.Artifact) manifest.Reading {
	text, _ := a.State(StateReading).(string)
	var r manifest.Reading
	if json.Unmarshal([]byte(text), &r) != nil {
		return manifest.Reading{}
	}
	return r
}
