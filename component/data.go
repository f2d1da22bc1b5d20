package component

import (
	"encoding/json"
	"fmt"
	"os"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// DataDisk is a disk with GOlr's data that are apart from the system. MemoryMiB is told
// of data in the system, too.
type DataDisk struct {
	Path      string          `json:"path,omitempty"`       // of a raw disk, in the cache; "": the data are in the system
	GOlr      json.RawMessage `json:"golr,omitempty"`       // what the data are, as an image's manifest says it
	MemoryMiB int             `json:"memory_mib,omitempty"` // that a machine needs to serve them; 0: not known
}

// DataDiskOf returns the disk with data that belongs to an artifact. One without a path says
// that there is none.
func DataDiskOf(artifact packersdk.Artifact) (DataDisk, error) {
	told, _ := artifact.State(StateData).(string)
	return ParseDataDisk(told)
}

// ParseDataDisk reads what [StateData] tells, and finds out whether the disk is there.
func ParseDataDisk(told string) (DataDisk, error) {
	var disk DataDisk
	if told == "" {
		return disk, nil
	}
	if err := json.Unmarshal([]byte(told), &disk); err != nil {
		return disk, fmt.Errorf("reading what the build tells of the data: %w", err)
	}
	if disk.Path == "" {
		return disk, nil
	}
	if _, err := os.Stat(disk.Path); err != nil {
		return disk, fmt.Errorf("the disk with the data, which the build has left in the cache: %w", err)
	}
	return disk, nil
}
