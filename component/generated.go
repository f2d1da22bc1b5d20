package component

import (
	"fmt"
	"maps"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// GeneratedData returns what the builder and the provisioners told of an artifact's
// build.
func GeneratedData(a packersdk.Artifact) map[string]any { return DataMap(a.State("generated_data")) }

// DataMap returns a copy of generated data by name: over RPC its keys have lost their
// type. Data of another form is none.
func DataMap(data any) map[string]any {
	all := map[string]any{}
	switch data := data.(type) {
	case map[string]any:
		maps.Copy(all, data)
	case map[any]any: // what MessagePack makes of it
		for name, value := range data {
			all[fmt.Sprint(name)] = value
		}
	}
	return all
}

// NoGuest is the connection type of a build that has no guest to connect to.
const NoGuest = "none"

// HasGuest reports whether a build that gives provisioners this data has a guest. One
// without has a communicator all the same, of which nothing works.
func HasGuest(data map[string]any) bool { return data["ConnType"] != NoGuest }
