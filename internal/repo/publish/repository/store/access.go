package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Obstacle is what keeps a publisher from a bucket.
type Obstacle int

// Obstacles, in the order in which people meet them.
const (
	Incomplete    Obstacle = iota + 1 // the address lacks its region or account
	NoCredentials                     // there are none
	Unreachable
	Denied   // the credentials are not enough
	NoBucket // there is none of this name
)

// AccessError says that a bucket cannot be used.
type AccessError struct {
	Scheme, Bucket string
	Obstacle       Obstacle
	Err            error
}

func (e *AccessError) Error() string {
	address := e.Scheme + "://" + e.Bucket
	switch e.Obstacle {
	case Incomplete:
		return fmt.Sprintf("the address %s lacks its %s", address, map[string]string{"s3": "region", "azblob": "storage account"}[e.Scheme])
	case NoCredentials:
		return "there are no credentials for " + address
	case Unreachable:
		return address + " cannot be reached"
	case Denied:
		return "the credentials do not open " + address
	default:
		return "there is no bucket " + address
	}
}

func (e *AccessError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *AccessError) Fault() fault.Report {
	codes := map[Obstacle]int{Incomplete: fault.Usage, Unreachable: fault.Network, NoBucket: fault.NotFound}
	return fault.Report{
		What: e.Error(), Where: fault.Cause(e.Err), Code: cmp.Or(codes[e.Obstacle], fault.Publish),
		Try: fault.To(fault.Advise, e.hint()),
	}
}

// hint says what to do in the words of each store's own tools.
func (e *AccessError) hint() string {
	hints := map[string]map[Obstacle]string{
		"s3": {
			Incomplete:    "the address s3://" + e.Bucket + "?region=eu-central-1, or export AWS_REGION=..",
			NoCredentials: "aws configure, or export AWS_ACCESS_KEY_ID=.. AWS_SECRET_ACCESS_KEY=..",
			Unreachable:   "check the region and the endpoint in the address, and the network",
			Denied:        "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject for them; aws sts get-caller-identity",
			NoBucket:      "aws s3 mb s3://" + e.Bucket,
		},
		"gs": {
			NoCredentials: "gcloud auth application-default login, or export GOOGLE_APPLICATION_CREDENTIALS=key.json",
			Unreachable:   "check the network, and STORAGE_EMULATOR_HOST if it is set",
			Denied:        "the role roles/storage.objectAdmin for them, on the bucket",
			NoBucket:      "gcloud storage buckets create gs://" + e.Bucket,
		},
		"azblob": {
			Incomplete:    "the address azblob://" + e.Bucket + "?storage_account=.., or export AZURE_STORAGE_ACCOUNT=..",
			NoCredentials: "az login, or export AZURE_STORAGE_ACCOUNT=.. AZURE_STORAGE_KEY=..",
			Unreachable:   "check the storage account's name, and the network",
			Denied:        "the role Storage Blob Data Contributor for them, or the key of this account",
			NoBucket:      "az storage container create --name " + e.Bucket,
		},
	}
	return hints[e.Scheme][e.Obstacle]
}

// attempts is how often Google's library asks again; it would never stop.
const attempts = 5

// reach looks whether a bucket can be used before anything relies on it: a
// store may answer the same of a file that is missing, of a bucket that is and
// of one that is not ours.
func reach(ctx context.Context, location *url.URL, bucket *blob.Bucket) error {
	var google *storage.Client
	if bucket.As(&google) {
		google.SetRetry(storage.WithMaxAttempts(attempts))
	}
	denied := &AccessError{Scheme: location.Scheme, Bucket: location.Host}
	var amazon *s3.Client
	if bucket.As(&amazon) && amazon.Options().Region == "" {
		denied.Obstacle = Incomplete
		return denied
	}
	_, _, err := bucket.ListPage(ctx, blob.FirstPageToken, 1, nil)
	if err == nil {
		return nil
	}
	if denied.Obstacle, denied.Err = obstacle(known(err)), err; denied.Obstacle == 0 {
		return fmt.Errorf("opening %s: %w", address.Of(location), address.Error(err))
	}
	return denied
}

// obstacle tells what an error of a list means, or 0.
func obstacle(err error) Obstacle {
	var network *net.OpError
	switch {
	// The libraries have no types for these.
	case strings.Contains(err.Error(), "get credentials:"), strings.Contains(err.Error(), "DefaultAzureCredential"):
		return NoCredentials
	case isUnknownHost(err), errors.As(err, &network) && status(err) == 0:
		return Unreachable
	case errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.Is(err, fs.ErrNotExist):
		return NoBucket
	default:
		return 0
	}
}

// ready finds what an address and its environment lack before the libraries
// meet it: they say it in other words, or print it, or try for ever.
func ready(ctx context.Context, location *url.URL) error {
	lacks := &AccessError{Scheme: location.Scheme, Bucket: location.Host}
	query := location.Query()
	switch location.Scheme {
	case "gs":
		emulated := os.Getenv("STORAGE_EMULATOR_HOST") != ""
		if emulated || query.Get("anonymous") == "true" || query.Get("access_id") == "-" {
			return nil
		}
		if _, err := gcp.DefaultCredentials(ctx); err != nil {
			lacks.Obstacle, lacks.Err = NoCredentials, err
			return lacks
		}
	case "azblob":
		for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"} {
			if os.Getenv(name) != "" {
				return nil
			}
		}
		if query.Get("storage_account") == "" {
			lacks.Obstacle = Incomplete
			return lacks
		}
	}
	return nil
}

// isUnknownHost tells whether a name has no address. Azure's driver takes that
// for a file that does not exist.
func isUnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// isRefused tells whether a store knows who asks, or does not, and says no.
// Google's driver takes that for a file that does not exist, and Azure's does not
// know it.
func isRefused(err error) bool {
	code := status(err)
	return code == http.StatusForbidden || code == http.StatusUnauthorized
}

// status returns the HTTP status that a store answered with, or 0.
func status(err error) int {
	var amazon interface{ HTTPStatusCode() int }
	var google *googleapi.Error
	var azure *azcore.ResponseError
	switch {
	case errors.As(err, &amazon):
		return amazon.HTTPStatusCode()
	case errors.As(err, &google):
		return google.Code
	case errors.As(err, &azure):
		return azure.StatusCode
	default:
		return 0
	}
}
