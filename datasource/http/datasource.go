//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config,Output

// Package http is the data source "http": it asks a web server. Its options are those of
// Packer's data source of this name.
package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/hcl2helper"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

const (
	// maxBody is how many bytes of a body are read: it becomes a string of the template.
	maxBody = 64 << 20
	// timeout is for all of a request.
	timeout = 5 * time.Minute
	// silence is how long a server may take to connect, and to begin its answer.
	silence = time.Minute
)

var methods = []string{http.MethodHead, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch}

// Config is the configuration of a data source "http".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// What to ask for.
	URL string `mapstructure:"url" required:"true"`
	// GET by default; HEAD, POST, PUT, DELETE, OPTIONS or PATCH.
	Method string `mapstructure:"method"`
	// Headers of the request.
	RequestHeaders map[string]string `mapstructure:"request_headers"`
	// The body of the request.
	RequestBody string `mapstructure:"request_body"`
}

// Output is what templates can read.
type Output struct {
	// What was asked for.
	URL string `mapstructure:"url"`
	// The body of the answer.
	Body string `mapstructure:"body"`
	// The headers of the answer, the values of each separated by commas.
	ResponseHeaders map[string]string `mapstructure:"response_headers"`
	// The same: it is what Packer calls them.
	RequestHeaders map[string]string `mapstructure:"request_headers"`
}

// Datasource asks a web server.
type Datasource struct {
	config Config
	ctx    context.Context //nolint:containedctx // Packer's interface takes none when it is executed
}

// New returns a data source whose request ends with ctx.
func New(ctx context.Context) *Datasource { return &Datasource{ctx: ctx} }

var _ packersdk.Datasource = (*Datasource)(nil)

// ConfigSpec describes the configuration.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec describes the output.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec { return new(Output).FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (d *Datasource) Configure(raws ...any) error {
	c := &d.config
	if err := config.Decode(c, nil, raws...); err != nil {
		return err
	}
	var faults []error
	if fault := urlFault(c.URL); fault != nil {
		faults = append(faults, fmt.Errorf("url: %w", fault))
	}
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	if !slices.Contains(methods, c.Method) {
		faults = append(faults, fmt.Errorf("method: %q is not one of %s", c.Method, strings.Join(methods, ", ")))
	}
	if len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

// unknown stands for what is not known yet when a template is checked.
const unknown = "<unknown>"

func urlFault(text string) error {
	if text == "" {
		return errors.New("it is missing")
	}
	if strings.Contains(text, unknown) {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read", address.Shown(text))
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%s begins with neither http:// nor https://", address.Shown(text))
	case u.Host == "":
		return fmt.Errorf("%s names no host", address.Shown(text))
	}
	return nil
}

// Execute asks the server and returns the output. An answer other than a 2xx is an error.
func (d *Datasource) Execute() (cty.Value, error) {
	ctx := d.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	output, err := d.config.ask(ctx, client())
	if err != nil {
		return cty.NilVal, fmt.Errorf("asking %s: %w", address.Shown(d.config.URL), err)
	}
	return hcl2helper.HCL2ValueFromConfig(output, d.OutputSpec()), nil
}

func client() *http.Client {
	return &http.Client{Timeout: timeout, CheckRedirect: address.Follow, Transport: &http.Transport{
		Proxy:                 address.Proxy,
		DialContext:           (&net.Dialer{Timeout: silence}).DialContext,
		TLSHandshakeTimeout:   silence,
		ResponseHeaderTimeout: silence,
		ForceAttemptHTTP2:     true,
		DisableKeepAlives:     true, // one request is made
	}}
}

func (c Config) ask(ctx context.Context, client *http.Client) (Output, error) {
	request, err := http.NewRequestWithContext(ctx, c.Method, c.URL, strings.NewReader(c.RequestBody))
	if err != nil {
		return Output{}, err
	}
	for name, value := range c.RequestHeaders {
		request.Header.Set(name, value)
		if http.CanonicalHeaderKey(name) == "Host" {
			request.Host = value
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return Output{}, withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return Output{}, fmt.Errorf("the server answered %s", response.Status)
	}
	if kind := response.Header.Get("Content-Type"); !isText(kind) {
		log.Printf("http data source: %s is of type %q; what is not text may not stay as it is", address.Shown(c.URL), kind)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return Output{}, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxBody {
		return Output{}, fmt.Errorf("the answer has more than %d MiB", maxBody>>20)
	}
	headers := map[string]string{}
	for name, values := range response.Header {
		headers[name] = strings.Join(values, ", ")
	}
	return Output{URL: c.URL, Body: string(body), ResponseHeaders: headers, RequestHeaders: headers}, nil
}

// withoutAddress returns why a request failed. The library's error says the address too,
// with whatever is secret in it.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// isText tells whether a content type is one of text that a template can hold.
func isText(contentType string) bool {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "us-ascii":
	default:
		return false
	}
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/samlmetadata+xml"
}
