package function

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"gopkg.in/yaml.v3"
)

// timestamp is the time of the call, in UTC.
var timestamp = function.New(&function.Spec{
	Type: function.StaticReturnType(cty.String),
	Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
		return cty.StringVal(time.Now().UTC().Format(time.RFC3339)), nil
	},
})

var base64Gzip = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(args[0].AsString())); err != nil {
			return cty.NilVal, err
		}
		if err := w.Close(); err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(base64.StdEncoding.EncodeToString(b.Bytes())), nil
	},
})

// yamlDecode goes through JSON: whatever JSON cannot say is an error.
var yamlDecode = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "src", Type: cty.String}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !args[0].IsKnown() {
			return cty.DynamicPseudoType, nil
		}
		v, err := fromYAML(args[0].AsString())
		if err != nil {
			return cty.NilType, function.NewArgError(0, err)
		}
		return v.Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return fromYAML(args[0].AsString())
	},
})

func fromYAML(src string) (cty.Value, error) {
	var tree any
	if err := yaml.Unmarshal([]byte(src), &tree); err != nil {
		return cty.NilVal, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return cty.NilVal, err
	}
	var v ctyjson.SimpleJSONValue
	err = v.UnmarshalJSON(text)
	return v.Value, err
}

var yamlEncode = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.String), nil
		}
		text, err := ctyjson.SimpleJSONValue{Value: args[0]}.MarshalJSON()
		if err != nil {
			return cty.NilVal, err
		}
		var tree any
		if err := json.Unmarshal(text, &tree); err != nil {
			return cty.NilVal, err
		}
		out, err := yaml.Marshal(tree)
		return cty.StringVal(string(out)), err
	},
})
