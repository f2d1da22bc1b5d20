package bundle

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// foreign are the addresses that AmiGO's examples bake into bundles.
var foreign = []string{"://localhost:9999", "://localhost:8080", "://127.0.0.1:8080"}

// leftovers says whether a bundle holds an address that works on no machine
// but the one it was meant for, unless a setting asks for it.
func leftovers(bundles []string, wanted settings.Instance) error {
	for _, file := range bundles {
		text, err := regular.ReadFile(file, regular.Document)
		if err != nil {
			return fmt.Errorf("checking the bundles: %w", err)
		}
		for _, address := range foreign {
			if bytes.Contains(text, []byte(address)) && !asked(wanted, address) {
				return fmt.Errorf("the bundle %s holds the address %q, so it would work on one machine only", filepath.Base(file), address[3:])
			}
		}
	}
	return nil
}

func asked(wanted settings.Instance, address string) bool {
	for _, name := range []string{"AMIGO_DYNAMIC_URL", "AMIGO_PUBLIC_GOLR_URL", "AMIGO_PUBLIC_GOLR_BULK_URL", "GO_API_URL"} {
		if bytes.Contains([]byte(wanted.Text(name)), []byte(address)) {
			return true
		}
	}
	return false
}
