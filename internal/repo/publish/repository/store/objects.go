package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azureobject "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// objects is an object store.
type objects struct {
	bucket *blob.Bucket
	// compare guards writes in stores that have no conditions but are this
	// process's own.
	compare sync.Mutex
}

func (o *objects) close() error { return o.bucket.Close() }

func (o *objects) open(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := o.bucket.NewReader(ctx, path, nil)
	if err != nil {
		return nil, known(err)
	}
	return r, nil
}

func (o *objects) stat(ctx context.Context, path string) (Entry, error) {
	attributes, err := o.bucket.Attributes(ctx, path)
	if err != nil {
		return Entry{}, known(err)
	}
	return Entry{Path: path, Size: attributes.Size, ModTime: attributes.ModTime}, nil
}

func (o *objects) tag(ctx context.Context, path string) (Tag, error) {
	attributes, err := o.bucket.Attributes(ctx, path)
	if err != nil {
		return Tag{}, known(err)
	}
	tag := Tag{etag: attributes.ETag}
	var google storage.ObjectAttrs
	if attributes.As(&google) {
		tag.generation = google.Generation
	}
	return tag, nil
}

func (o *objects) list(ctx context.Context, prefix string) ([]Entry, error) {
	var entries []Entry
	objects := o.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
			return entries, nil
		}
		if err != nil {
			return nil, known(err)
		}
		entries = append(entries, Entry{Path: object.Key, Size: object.Size, ModTime: object.ModTime})
	}
}

func (o *objects) remove(ctx context.Context, path string) error {
	return known(o.bucket.Delete(ctx, path))
}

func (o *objects) write(ctx context.Context, path string, body io.Reader, cond condition) error {
	options := &blob.WriterOptions{CacheControl: cacheControl(path), ContentType: contentType(path)}
	switch {
	case cond.always:
		return o.upload(ctx, path, body, options)
	case cond.tag == Tag{}:
		options.IfNotExist = true
		err := o.upload(ctx, path, body, options)
		if errors.Is(err, ErrChanged) {
			return fmt.Errorf("%w: %w", fs.ErrExist, err)
		}
		return err
	}
	options.BeforeWrite = func(as func(any) bool) error {
		conditional(as, cond.tag)
		return nil
	}
	o.compare.Lock()
	defer o.compare.Unlock()
	if cond.blind {
		return o.upload(ctx, path, body, options)
	}
	if now, err := o.tag(ctx, path); err != nil || now != cond.tag {
		return errors.Join(ErrChanged, err)
	}
	return o.upload(ctx, path, body, options)
}

// upload writes an object. Its context is ended if the body fails, so that
// half of it is never taken for the whole.
func (o *objects) upload(ctx context.Context, path string, body io.Reader, options *blob.WriterOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := &watchedBody{body: body, failed: cancel}
	// Not a Writer: that of Azure panics when the store refuses.
	err := o.bucket.Upload(ctx, path, watched, options)
	if watched.err != nil {
		return watched.err
	}
	return known(err)
}

// watchedBody tells at once that it could not be read to its end.
type watchedBody struct {
	body   io.Reader
	failed func()
	err    error
}

func (w *watchedBody) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
		w.failed()
	}
	return n, err
}

// conditional makes a write depend on the state of what it overwrites, in the
// stores that can.
func conditional(as func(any) bool, tag Tag) {
	var s3 *transfermanager.UploadObjectInput
	if as(&s3) {
		s3.IfMatch = &tag.etag
	}
	var google **storage.ObjectHandle
	if as(&google) {
		*google = (*google).If(storage.Conditions{GenerationMatch: tag.generation})
	}
	var azure *azblob.UploadStreamOptions
	if as(&azure) {
		etag := azcore.ETag(tag.etag)
		azure.AccessConditions = &azblob.AccessConditions{
			ModifiedAccessConditions: &azureobject.ModifiedAccessConditions{IfMatch: &etag},
		}
	}
}

// known gives an error of a store the meaning that all stores share.
func known(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ConditionalRequestConflict" {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	switch {
	case isRefused(err):
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	case isUnknownHost(err):
		return err
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case gcerrors.PermissionDenied:
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	case gcerrors.FailedPrecondition:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	default:
		return err
	}
}
