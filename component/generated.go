package component

import (
	"fmt"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// GeneratedData returns what the builder and the provisioners told of an artifact's
// build. It is a copy, whether the artifact is of this process or of a plugin's.
func GeneratedData(a packersdk.Artifact) map[string]any {
	all := map[string]any{}
	switch data := a.State("generated_data").(type) {
	case map[string]any:
		for name, value := range data {
			all[name] = value
		}
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
