package main

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/trust"
)

// hinted is an error that knows what to do about it.
type hinted interface {
	error
	Hint() string
}

// characterizeImages is [characterize] for what readers of a repository meet. It
// tells whether it knew the error.
func characterizeImages(f *fault.Error, err error) bool {
	return repositoryFault(f, err) || contentFault(f, err) || machineFault(f, err)
}

// repositoryFault is about reaching a repository and believing it.
func repositoryFault(f *fault.Error, err error) bool {
	var connection *origin.TransportError
	var status *origin.StatusError
	var lost *obtain.LostError
	var missing *trust.NotFoundError
	var empty *trust.EmptyError
	var revoked *trust.RevokedError
	var whole *origin.NoRangesError
	var encoded *origin.EncodedError
	switch {
	case errors.As(err, &connection):
		f.What, f.Where, f.Code = connection.Host+" cannot be reached", connection.URL+"\n"+short(connection.Error(), 300), fault.Network
		if connection.Reached {
			f.What = connection.Host + " does not send what it should"
		}
		f.Try = fault.Again("or with --from ANOTHER-URL")
		if connection.Proxy != "" {
			f.Try = fault.Again("without the proxy, or with --from ANOTHER-URL")
		}
	case errors.As(err, &missing):
		f.What, f.Code = short(missing.Error(), longest), fault.NotFound
	case errors.As(err, &empty):
		f.What, f.Code = empty.Error(), fault.NotFound
	case errors.As(err, &revoked):
		f.What, f.Code, f.Try = revoked.Error(), fault.Verify, "amigo-image list"
	case errors.As(err, &lost):
		f.What, f.Where, f.Code = "the repository lacks a file that it should have", lost.URL, fault.Network
		f.Try = fault.Again("later, or with --from ANOTHER-URL")
	case errors.As(err, &status):
		f.What, f.Where, f.Code = fmt.Sprintf("the server refuses a file (%d)", status.Code), status.URL, fault.Network
		f.Try = fault.Again("later, or with --from ANOTHER-URL")
	case errors.As(err, &whole):
		f.What, f.Where, f.Code, f.Try = "the server sends whole files only, and not well", whole.URL, fault.Network, fault.Again("with --from ANOTHER-URL")
	case errors.As(err, &encoded):
		f.What, f.Where, f.Code = "the server alters files on their way", short(encoded.Error(), 300), fault.Network
		f.Try = fault.Again("without a proxy, or with --from ANOTHER-URL")
	default:
		return distrust(f, err)
	}
	return true
}

// distrust is about what a repository has signed.
func distrust(f *fault.Error, err error) bool {
	var (
		expired   *trust.ExpiredError
		rollback  *trust.RollbackError
		untrusted *trust.UntrustedError
		pin       *trust.PinError
		hint      hinted
		where     string
	)
	switch {
	case errors.As(err, &expired):
		hint, where = expired, expired.URL
	case errors.As(err, &rollback):
		hint, where = rollback, rollback.URL
	case errors.As(err, &untrusted):
		f.What, f.Where = path.Base(untrusted.URL)+" cannot be trusted", untrusted.URL+"\n"+short(untrusted.Err.Error(), 300)
		f.Try, f.Code = untrusted.Hint(), fault.Verify
		return true
	case errors.As(err, &pin):
		hint, where = pin, pin.URL
	default:
		return false
	}
	f.What, f.Where, f.Try, f.Code = hint.Error(), where, hint.Hint(), fault.Verify
	return true
}

// contentFault is about what was fetched, and room for it.
func contentFault(f *fault.Error, err error) bool {
	var space *pull.SpaceError
	var wrong *pull.ChunkError
	var digest *pull.DigestError
	var mismatch *obtain.MismatchError
	var size *origin.SizeError
	switch {
	case errors.As(err, &size):
		f.What, f.Where, f.Code = "a file of the repository has another length than was signed", size.Error(), fault.Verify
		f.Try = fault.Again("later, or with --from ANOTHER-URL")
	case errors.As(err, &space):
		f.What, f.Code, f.Try = space.Error(), fault.Space, fault.Again("after amigo-image gc, or with XDG_DATA_HOME on another disk")
	case errors.As(err, &wrong):
		f.What, f.Where, f.Code = wrong.Error(), wrong.URL, fault.Verify
		f.Try = fault.Again("without a proxy, or with --from ANOTHER-URL")
	case errors.As(err, &digest):
		f.What, f.Where, f.Code = "the file is not what was signed", digest.Error(), fault.Verify
		f.Try = fault.Again("without a proxy, or with --from ANOTHER-URL")
	case errors.As(err, &mismatch):
		f.What, f.Code = "a file of the repository is not what was signed", fault.Verify
		f.Where = fmt.Sprintf("%s\nfound  %d bytes, sha256 %s\nsigned %d bytes, sha256 %s",
			mismatch.URL, mismatch.Got.Size, mismatch.Got.SHA256, mismatch.Want.Size, mismatch.Want.SHA256)
		f.Try = fault.Again("without a proxy, or with --from ANOTHER-URL")
	case errors.Is(err, chunk.ErrContent):
		f.Code = fault.Verify
	default:
		return false
	}
	return true
}

// machineFault is about what is in the store.
func machineFault(f *fault.Error, err error) bool {
	var missing *imagestore.MissingError
	var used *imagestore.InUseError
	var busy *imagestore.MachineBusyError
	var down *launch.NotUpError
	switch {
	case errors.As(err, &missing):
		f.What, f.Code, f.Try = missing.Error(), fault.NotFound, "amigo-image list"
	case errors.As(err, &used):
		f.What, f.Code = fmt.Sprintf("%s is in use by %s", used.Name, strings.Join(used.Machines, ", ")), fault.Locked
		f.Try = "amigo-image rm " + strings.Join(used.Machines, " ")
	case errors.As(err, &busy):
		f.What, f.Code, f.Try = busy.Error(), fault.Locked, "amigo-image stop "+busy.Machine.Name
	case errors.As(err, &down):
		notUpFault(f, down)
	default:
		return false
	}
	return true
}

// notUpFault tells how far a machine came.
func notUpFault(f *fault.Error, down *launch.NotUpError) {
	f.What, f.Code, f.Try = short(down.Err.Error(), longest), fault.Other, "amigo-image doctor"
	f.Where = strings.TrimSpace("waiting for " + down.Phase + "\n" + console(down.Line, down.Console))
}
