package settings

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// Targets returns the other hosts that AmiGO's pages send forms to, like
// "https://example.org", in alphabetical order. r is the source's
// conf/rte_resources.yaml: services for term enrichment, each asked by a form.
func Targets(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the services for term enrichment: %w", err)
	}
	var services []struct {
		Address string `yaml:"webservice"`
	}
	if err := yaml.Unmarshal(text, &services); err != nil {
		return nil, fmt.Errorf("reading the services for term enrichment: %w", err)
	}
	found := map[string]bool{}
	for _, service := range services {
		if origin := originOf(service.Address); origin != "" {
			found[origin] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
