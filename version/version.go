// Package version is the version of the plugin and of amigo-image.
package version

import pluginversion "github.com/hashicorp/packer-plugin-sdk/version"

// Version is the version without its pre-release part. A linker flag sets it
// in releases.
var Version = "0.1.0"

// VersionPrerelease is "dev", or empty in a release: Packer installs no other.
var VersionPrerelease = "dev"

// PluginVersion is the version as Packer's plugin protocol wants it.
var PluginVersion = pluginversion.NewPluginVersion(Version, VersionPrerelease, "")

// String returns the whole version.
func String() string {
	if VersionPrerelease == "" {
		return Version
	}
	return Version + "-" + VersionPrerelease
}
