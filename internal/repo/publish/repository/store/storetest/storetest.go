// Package storetest starts real object stores for tests: versitygw, which
// speaks S3, fake-gcs-server, which speaks Google Cloud Storage, and Azurite,
// which speaks Azure's. Each listens on the loopback and ends with its test;
// `make test` gets them, in versions that compare and write in one step: no test
// needs to excuse a server. versitygw up to 1.7.0 let many writers win.
package storetest

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// Bucket is the one bucket of a server. Anybody may read its files.
const Bucket = "images"

// Server is an object store that is running.
type Server struct {
	Scheme string
	Query  string            // of addresses like gs://images/directory
	Public string            // where everybody reads the bucket, over HTTP
	Env    map[string]string // the credentials; they are set while the test runs
	// Other environments: of somebody whose key is wrong, and of somebody who may
	// read and list, but not write. Without them, the server lets everybody in.
	Stranger, Guest map[string]string
}

// Location returns the address of a directory in the bucket, for publishers.
func (s *Server) Location(dir string) string { return s.Address(Bucket, dir) }

// Address returns that of a directory in a bucket, which may not exist.
func (s *Server) Address(bucket, dir string) string {
	u := url.URL{Scheme: s.Scheme, Host: bucket, Path: dir, RawQuery: s.Query}
	return u.String()
}

// All are the servers, by the schemes of their addresses.
func All() map[string]func(t *testing.T) *Server {
	return map[string]func(t *testing.T) *Server{"s3": S3, "gs": GCS, "azblob": Azure}
}

// S3 starts versitygw.
func S3(t *testing.T) *Server {
	t.Helper()
	data, meta, port := t.TempDir(), t.TempDir(), Port(t)
	if err := os.Mkdir(filepath.Join(data, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	const user, guest, secret = "publisher", "guest", "publisher-secret"
	address, gateway := "127.0.0.1:"+port, built(t, "versitygw")
	Serve(t, address, command.Cmd{Name: gateway, Args: []string{
		"--access", user, "--secret", secret, "--port", address, "--iam-dir", t.TempDir(), "posix", "--sidecar", meta, data,
	}})
	s := &Server{
		Scheme: "s3", Public: "http://" + address + "/" + Bucket,
		Query:    url.Values{"region": {"us-east-1"}, "endpoint": {"http://" + address}, "use_path_style": {"true"}}.Encode(),
		Env:      map[string]string{"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": secret},
		Stranger: map[string]string{"AWS_SECRET_ACCESS_KEY": "wrong"},
		Guest:    map[string]string{"AWS_ACCESS_KEY_ID": guest},
	}
	var client *s3.Client
	s.administer(t, &client)
	err := command.Run(t.Context(), command.Cmd{Name: gateway, Args: []string{
		"admin", "--access", user, "--secret", secret, "--endpoint-url", "http://" + address,
		"create-user", "--access", guest, "--secret", secret, "--role", "user",
	}})
	if err != nil {
		t.Fatal(err)
	}
	const resource = `"arn:aws:s3:::` + Bucket
	const allow = `{"Effect": "Allow", "Principal": "*", "Action": `
	policy := `{"Version": "2012-10-17", "Statement": [` +
		allow + `"s3:GetObject", "Resource": ` + resource + `/*"}, ` + allow + `"s3:ListBucket", "Resource": ` + resource + `"}]}`
	if _, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: to.Ptr(Bucket), Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	return s
}

// GCS starts fake-gcs-server, which knows no credentials.
func GCS(t *testing.T) *Server {
	t.Helper()
	port := Port(t)
	address := "127.0.0.1:" + port
	Serve(t, address, command.Cmd{Name: built(t, "fake-gcs-server"), Args: []string{
		"-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-public-host", address, "-log-level", "warn",
	}})
	s := &Server{
		Scheme: "gs", Public: "http://" + address + "/" + Bucket,
		Env: map[string]string{"STORAGE_EMULATOR_HOST": address},
	}
	var client *storage.Client
	s.administer(t, &client)
	if err := client.Bucket(Bucket).Create(t.Context(), "project", nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// Azure starts Azurite.
func Azure(t *testing.T) *Server {
	t.Helper()
	port := Port(t)
	address := "127.0.0.1:" + port
	const account, key = "publisher", "cHVibGlzaGVyLXNlY3JldA=="
	Serve(t, address, command.Cmd{
		Name: built(t, "azurite/node_modules/.bin/azurite-blob"), Dir: t.TempDir(), Env: []string{"AZURITE_ACCOUNTS=" + account + ":" + key},
		Args: []string{"--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"},
	})
	s := &Server{
		Scheme: "azblob", Public: "http://" + address + "/" + account + "/" + Bucket,
		Query:    url.Values{"protocol": {"http"}, "domain": {address}, "localemu": {"true"}}.Encode(),
		Env:      map[string]string{"AZURE_STORAGE_ACCOUNT": account, "AZURE_STORAGE_KEY": key},
		Stranger: map[string]string{"AZURE_STORAGE_KEY": "d3Jvbmc="},
	}
	var client *container.Client
	s.administer(t, &client)
	if _, err := client.Create(t.Context(), &container.CreateOptions{Access: to.Ptr(container.PublicAccessTypeBlob)}); err != nil {
		t.Fatal(err)
	}
	signed, err := client.GetSASURL(sas.ContainerPermissions{Read: true, List: true}, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(signed, "?")
	s.Guest = map[string]string{
		"AZURE_STORAGE_KEY": "", "AZURE_STORAGE_SAS_TOKEN": token,
		"AZURE_STORAGE_PROTOCOL": "http", "AZURE_STORAGE_DOMAIN": address, "AZURE_STORAGE_IS_LOCAL_EMULATOR": "true",
	}
	return s
}

// administer sets the credentials for the test, and a client of the server's own
// kind, for what publishers never do.
func (s *Server) administer(t *testing.T, client any) {
	t.Helper()
	for name, value := range s.Env {
		t.Setenv(name, value)
	}
	b, err := blob.OpenBucket(t.Context(), s.Location(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if !b.As(client) {
		t.Fatalf("%s has no %T", s.Scheme, client)
	}
}

// built finds a program that the Makefile puts into build/.
func built(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "build", name)
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("this is not a directory of the project: %v", err)
	return ""
}

// Port returns a free port of the loopback.
func Port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Serve starts a server that ends with the test, and waits until it answers.
func Serve(t *testing.T, address string, server command.Cmd) {
	t.Helper()
	var out output
	server.Stdout, server.Stderr = &out, &out
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p, err := command.Start(ctx, server)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = p.Wait()
	})
	for t.Context().Err() == nil {
		select {
		case <-p.Done():
			t.Fatalf("%s ends at once: %s", server.Name, out.String())
		case <-time.After(20 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("%s does not answer: %s", server.Name, out.String())
}

// output is what a server says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
