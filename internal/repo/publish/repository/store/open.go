package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/memblob"   // mem://, for tests
	_ "gocloud.dev/blob/s3blob"    // s3://

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// schemes are the kinds of stores, besides directories.
var schemes = []string{"s3", "gs", "azblob", "mem"}

// OpenNew is [Open] for a location where nothing may be yet. A directory that is
// missing reads as an empty one, and is made when it is first locked or written
// to. Buckets are made with their stores' own tools.
func OpenNew(ctx context.Context, location string) (*Store, error) {
	place, err := address.Parse(location)
	if err == nil && place.URL == nil {
		if _, err := os.Stat(place.Dir); errors.Is(err, fs.ErrNotExist) {
			backend, err := newFiles(place.Dir)
			return &Store{backend: backend, location: location}, err
		}
	}
	return Open(ctx, location)
}

// Open opens the store at a location, which must exist: a directory, as a path or as
// file:///path, or an object store, such as
// s3://bucket/directory?region=eu-central-1. The queries are those of
// https://gocloud.dev/howto/blob/; credentials come from where each store's own
// tools take them.
func Open(ctx context.Context, location string) (*Store, error) {
	place, err := address.Parse(location)
	switch {
	case err != nil:
		return nil, err
	case place.URL == nil:
		return openDir(location, place.Dir)
	case slices.Contains(schemes, place.URL.Scheme):
		return openBucket(ctx, place.URL)
	default:
		return nil, &SchemeError{Scheme: place.URL.Scheme}
	}
}

// SchemeError says that nothing can be published to an address.
type SchemeError struct{ Scheme string }

func (e *SchemeError) Error() string {
	return fmt.Sprintf("nothing can be published to %s:// (only to a directory, file://, %s://)", e.Scheme, strings.Join(schemes[:len(schemes)-1], "://, "))
}

// Fault implements [fault.Reporter].
func (e *SchemeError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Usage, Try: fault.To(fault.Advise, "an address such as file:///srv/www/images")}
}

func openDir(location, dir string) (*Store, error) {
	backend, err := openFiles(dir)
	if err != nil {
		return nil, err
	}
	return &Store{backend: backend, location: location}, nil
}

// openBucket opens an object store; a path in the address is a directory in
// the bucket.
func openBucket(ctx context.Context, location *url.URL) (*Store, error) {
	bare := *location
	bare.Path = ""
	if location.Scheme == "s3" {
		quietly()
	}
	if err := ready(ctx, &bare); err != nil {
		return nil, err
	}
	bucket, err := blob.OpenBucket(ctx, bare.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", address.Of(&bare), address.Error(err))
	}
	if err := reach(ctx, &bare, bucket); err != nil {
		return nil, errors.Join(err, bucket.Close())
	}
	if dir := strings.Trim(location.Path, "/"); dir != "" {
		bucket = blob.PrefixedBucket(bucket, dir+"/")
	}
	return &Store{backend: &objects{bucket: bucket}, location: address.Of(location)}, nil
}

// quietly keeps the library from asking a cloud's machines for credentials on
// a host that is none, which takes a minute, and from warnings that tell a
// publisher nothing: what it reads back is compared with what was signed.
func quietly() {
	quiet := map[string]string{"AWS_EC2_METADATA_V1_DISABLED": "true", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}
	if os.Getenv("AWS_ACCESS_KEY_ID") != "" {
		quiet["AWS_EC2_METADATA_DISABLED"] = "true"
	}
	for name, value := range quiet {
		if _, set := os.LookupEnv(name); !set {
			_ = os.Setenv(name, value)
		}
	}
}
