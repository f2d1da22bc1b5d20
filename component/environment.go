package component

import (
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/common"
)

// Environment returns the variables that every script of a build gets.
func Environment(c common.PackerConfig, data map[string]any) map[string]string {
	env := map[string]string{
		"PACKER_BUILD_NAME":   c.PackerBuildName,
		"PACKER_BUILDER_TYPE": c.PackerBuilderType,
	}
	for variable, key := range map[string]string{
		"PACKER_HTTP_ADDR": "PackerHTTPAddr", "PACKER_HTTP_IP": "PackerHTTPIP", "PACKER_HTTP_PORT": "PackerHTTPPort",
	} {
		// The SDK says ERR_... where a builder has none.
		if value, ok := data[key].(string); ok && value != "" && !strings.HasPrefix(value, "ERR_") {
			env[variable] = value
		}
	}
	return env
}
