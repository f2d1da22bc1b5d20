package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/address"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/sign"
)

// publisherFault completes an error of a command that changes a repository. What
// nobody knows is a failed publication.
func (a *app) publisherFault(c *cobra.Command, p *publisherFlags, err error) error {
	if err == nil {
		return nil
	}
	if ctx := c.Context(); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f := faultOf(err)
	characterizePublish(f, err)
	f.Kept = "readers see what they saw before"
	if errors.As(err, new(*repository.PagesError)) {
		f.Kept = "the channel has moved; the same command again writes the pages"
	}
	if f.Code == fault.Other {
		f.Code = fault.Publish
	}
	if f.Where == "" {
		f.Where = address.Shown(p.to)
	}
	var missing *repository.NotFoundError
	if errors.As(err, &missing) {
		f.Try = named(a.hollow(missing.Name, c.CommandPath()), missing.Name, missing.Known)
	}
	return f
}

// characterizePublish is [characterize] for what publishers meet.
func characterizePublish(f *fault.Error, err error) {
	_ = inputFault(f, err) || bucketFault(f, err) || placeFault(f, err) || keysFault(f, err)
}

// inputFault is about what is to be published.
func inputFault(f *fault.Error, err error) bool {
	var none *repository.NoImagesError
	var damaged *repository.DamagedError
	var taken *repository.VersionTakenError
	var missing *repository.NotFoundError
	var earlier *repository.NoEarlierError
	switch {
	case errors.As(err, &none):
		f.What, f.Where, f.Code, f.Try = "there is no image", none.Error(), fault.NotFound, "amigo-image build ."
	case errors.As(err, &damaged):
		f.What, f.Where, f.Code = "a file of the image is not what its manifest says", damaged.Error(), fault.Verify
		f.Try = "amigo-image build --force ."
	case errors.As(err, &taken):
		f.What, f.Where = fmt.Sprintf("version %s is there already, with other images", taken.Version), "versions never change"
		f.Try = fault.Again("with another --version, or none")
	case errors.As(err, &missing):
		f.What, f.Code = fmt.Sprintf("there is no channel or version %q", missing.Name), fault.NotFound
	case errors.As(err, &earlier):
		f.What, f.Code, f.Try = earlier.Error(), fault.NotFound, "amigo-image promote VERSION "+earlier.Channel
	default:
		return false
	}
	return true
}

// bucketFault is about getting at an object store.
func bucketFault(f *fault.Error, err error) bool {
	var access *store.AccessError
	if !errors.As(err, &access) {
		return false
	}
	f.What, f.Where, f.Try = access.Error(), "", access.Hint()
	if access.Err != nil {
		f.Where = short(access.Err.Error(), 300)
	}
	switch access.Obstacle {
	case store.Incomplete:
		f.Code = fault.Usage
	case store.Unreachable:
		f.Code = fault.Network
	case store.NoBucket:
		f.Code = fault.NotFound
	default:
		f.Code = fault.Publish
	}
	return true
}

// placeFault is about where it is to be published.
func placeFault(f *fault.Error, err error) bool {
	var locked *store.LockedError
	var unsafe *store.UnsafeError
	var scheme *store.SchemeError
	var foreign *repository.ForeignError
	var altered *repository.AlteredError
	var none *repository.MissingError
	switch {
	case errors.As(err, &none):
		f.What, f.Code, f.Try = "there is no image repository there", fault.NotFound, "amigo-image publish output/ --to "+none.Location
	case errors.As(err, &locked):
		f.What, f.Where, f.Code = "another publisher is at the repository", locked.Error(), fault.Locked
		f.Try = fault.Again("with --wait 10m, to wait for it")
	case errors.As(err, &unsafe):
		f.What, f.Where = "the store cannot keep two publishers apart", unsafe.Error()
		f.Try = fault.Again("with --single-publisher, if nobody else publishes there")
	case errors.As(err, &scheme):
		f.What, f.Code, f.Try = scheme.Error(), fault.Usage, "--to file:///srv/www/images"
	case errors.As(err, &foreign):
		f.What, f.Where, f.Try = "the place is not empty and no image repository", foreign.Error(), "an empty directory, or another one in it"
	case errors.As(err, &altered):
		f.What, f.Where, f.Code = "a file in the repository is not what was published", altered.Path, fault.Verify
	case errors.Is(err, store.ErrLockLost), errors.Is(err, store.ErrChanged):
		f.What, f.Code, f.Try = "another publisher was faster", fault.Locked, fault.Again("it goes on from there")
	case errors.Is(err, syscall.ENOSPC):
		f.What, f.Code, f.Try = "there is no space left", fault.Space, fault.Again("when there is some space")
		f.Where = short(err.Error(), 300)
	case errors.Is(err, fs.ErrPermission):
		f.What, f.Where, f.Try = "the repository may not be written", short(err.Error(), 300), "the credentials of the store, or the owner of the directory"
	default:
		return false
	}
	return true
}

// keysFault is about the keys.
func keysFault(f *fault.Error, err error) bool {
	var key *sign.MissingKeyError
	var channel *sign.UnknownChannelError
	var conflict *sign.ConflictError
	var password *sign.PasswordError
	var root *sign.NoRootError
	var pending *sign.PendingError
	switch {
	case errors.As(err, &pending):
		f.What, f.Code, f.Try = pending.Error(), fault.NotFound, pending.Hint()
	case errors.As(err, &password):
		f.What, f.Try = password.Error(), password.Hint()
	case errors.As(err, &root):
		f.What, f.Code, f.Try = root.Error(), fault.NotFound, root.Hint()
	case errors.As(err, &key):
		f.What, f.Code, f.Try = key.Error(), fault.NotFound, key.Hint()
	case errors.As(err, &channel):
		f.What, f.Where, f.Code = fmt.Sprintf("the repository has no channel %q", channel.Channel), "there are: "+strings.Join(channel.Known, ", "), fault.NotFound
		f.Try = "amigo-image keys rotate " + channel.Channel + " --add"
	case errors.As(err, &conflict):
		f.What, f.Where, f.Code = "the repository was signed with other keys than these", conflict.Error(), fault.Verify
		f.Try = fault.Again("with --keys and the directory of its keys")
	default:
		return false
	}
	return true
}
