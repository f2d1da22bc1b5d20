// Package buildcache opens the cache of builds, and behind it the one that hosts
// share, if there is one.
package buildcache

import (
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/sharedcache"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Variable is the environment variable with the address of the shared cache. It is
// no setting of a template: hosts share a cache, whatever they build.
const Variable = "AMIGO_IMAGE_SHARED_CACHE"

// phases are those that the kinds of entries are made in.
var phases = map[string]string{
	"rootfs": "base", "base": "base", "bundle": "bundles", "npm-package": "bundles", "maven": "golr", "solr": "golr", "golr": "golr",
}

// Open returns the user's cache. What comes from the shared one, goes there or
// does not is told to sink; the latter never ends a build. release must be called
// when the cache is not needed any more.
func Open(sink event.Sink) (c cache.Dir, release func(), err error) {
	c, err = cache.Default()
	location := os.Getenv(Variable)
	if err != nil || location == "" {
		return c, func() {}, err
	}
	shared := sharedcache.New(location, sink, phases)
	return c.Sharing(shared), shared.Close, nil
}
