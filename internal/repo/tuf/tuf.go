// Package tuf makes the signed metadata of an image repository: it is the
// publisher's side of TUF (https://theupdateframework.github.io/specification/).
//
// Keys lie in a directory, the [Ring]. What a repository holds is a [State],
// read and verified by [Load]; [State.Next] makes the files of the state that
// follows. Everything but the ring is a pure value: nothing here writes to a
// repository.
//
// Who signs what:
//
//	root     root.key        the keys of all roles below
//	targets  targets.key     which channels there are, and their keys
//	<channel>  <channel>.key what is in a channel, with the digest of every file
//	snapshot, timestamp  online.key   which of these files belong together, and until when
package tuf

import (
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Online names the key of the two roles that a machine signs, snapshot and
// timestamp.
const Online = "online"

// Timestamp is the path of the one metadata file that changes in place. To
// write it is to publish.
const Timestamp = layout.MetadataDir + "/timestamp.json"

// File is a file of the metadata, to be written into a repository.
type File struct {
	Path    string // relative to the repository's root
	Content []byte
}

// keyOf returns the name of the key that signs a role.
func keyOf(role string) string {
	if role == metadata.SNAPSHOT || role == metadata.TIMESTAMP {
		return Online
	}
	return role
}
