package function

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	sdk "github.com/hashicorp/packer-plugin-sdk/template"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// remotes read secrets of servers. Addresses and credentials come from the
// environment, as these servers' own programs take them.
var remotes = map[string]function.Function{
	"aws_secretsmanager": secret("AWS Secrets Manager", sdk.GetAWSSecret,
		function.Parameter{Name: "name", Type: cty.String}, function.Parameter{Name: "key", Type: cty.String, AllowNull: true}),
	"aws_secretsmanager_raw": secret("AWS Secrets Manager", keyless(sdk.GetRawAWSSecret),
		function.Parameter{Name: "name", Type: cty.String}),
	"consul_key": secret("Consul", keyless(sdk.Consul),
		function.Parameter{Name: "key", Type: cty.String}),
	"vault": secret("Vault", sdk.Vault,
		function.Parameter{Name: "path", Type: cty.String}, function.Parameter{Name: "key", Type: cty.String}),
}

// reader reads a secret, or the key of one that has several.
type reader func(name, key string) (string, error)

func keyless(read func(name string) (string, error)) reader {
	return func(name, _ string) (string, error) { return read(name) }
}

// secret is a function that reads from a server.
func secret(server string, read reader, params ...function.Parameter) function.Function {
	return function.New(&function.Spec{
		Params: params,
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			key := ""
			if len(args) > 1 && !args[1].IsNull() {
				key = args[1].AsString()
			}
			text, err := read.safely(args[0].AsString(), key)
			if err != nil {
				return cty.NilVal, &secretError{server: server, name: args[0].AsString(), err: err}
			}
			return cty.StringVal(text), nil
		},
	})
}

// safely reads. The SDK panics when a secret is not a text, and when AWS's
// settings cannot be read.
func (r reader) safely(name, key string) (text string, err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case runtime.Error:
			err = errors.New("the value is not a text")
		default:
			err = fmt.Errorf("%v", cause)
		}
	}()
	return r(name, key)
}

// secretError tells that a server gave no secret.
type secretError struct {
	server, name string
	err          error
}

// Error is one line, though Vault's and AWS's own have several.
func (e *secretError) Error() string {
	return fmt.Sprintf("cannot read %q from %s: %s", e.name, e.server, lowered(inWords(e.err)))
}

func (e *secretError) Unwrap() error { return e.err }

// inWords returns what keeps a secret from its reader. The SDK has flattened most
// errors to text, so that fault finds nothing in them to word.
func inWords(err error) string {
	if operation := (*smithy.OperationError)(nil); errors.As(err, &operation) {
		err = operation.Err
	}
	if strings.Contains(err.Error(), "get credentials:") { // AWS's library has no type for it
		return "there are no credentials, or they cannot be read"
	}
	return strings.NewReplacer("dial tcp ", "", "connect: ", "").Replace(fault.Cause(err))
}

// lowered returns a text that begins in lower case, unless its first word is a
// name such as AWS.
func lowered(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if second, _ := utf8.DecodeRuneInString(text[size:]); unicode.IsLower(second) {
		return string(unicode.ToLower(first)) + text[size:]
	}
	return text
}
