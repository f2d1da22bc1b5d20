package component

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParseDataDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for told, good := range map[string]bool{
		"": true, `{"path": "` + path + `"}`: true, `{"path": "` + path + `.gone"}`: false, `{"memory_mib": 3584}`: true, "{": false,
	} {
		if disk, err := ParseDataDisk(told); (err == nil) != good || told == "" && disk.Path != "" {
			t.Errorf("%q: %+v, %v", told, disk, err)
		}
	}
}
