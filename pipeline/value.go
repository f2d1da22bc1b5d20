package pipeline

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// commonData are the names in build.* that every builder may give.
var commonData = []string{
	"ID", "Host", "Port", "User", "Password", "ConnType", "PackerRunUUID", "PackerHTTPPort",
	"PackerHTTPIP", "PackerHTTPAddr", "SSHPublicKey", "SSHPrivateKey", "WinRMPassword",
}

// promised is build.* before the builder has run: names without values.
func (c *component) promised() map[string]cty.Value {
	values := map[string]cty.Value{"name": cty.StringVal(c.build.label)}
	for _, name := range append(commonData, c.build.generated...) {
		values[name] = cty.DynamicVal
	}
	return values
}

// given is build.* when the builder has told what it knows.
func (c *component) given(data map[string]any) map[string]cty.Value {
	values := c.promised()
	for name, v := range data {
		if value, ok := scalar(v); ok {
			values[name] = value
		}
	}
	values["name"] = cty.StringVal(c.build.label)
	return values
}

func scalar(v any) (cty.Value, bool) {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v), true
	case []byte:
		return cty.StringVal(string(v)), true
	case bool:
		return cty.BoolVal(v), true
	case int:
		return cty.NumberIntVal(int64(v)), true
	case int64:
		return cty.NumberIntVal(v), true
	case uint64:
		return cty.NumberUIntVal(v), true
	case float64:
		return cty.NumberFloatVal(v), true
	case fmt.Stringer:
		return cty.StringVal(v.String()), true
	default:
		return cty.NilVal, false
	}
}

// placeholders returns v with a known value for every unknown one, so that a
// component can be prepared.
func placeholders(v cty.Value) cty.Value {
	known, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.IsKnown() {
			return v, nil
		}
		return placeholder(v.Type()), nil
	})
	if err != nil {
		return v
	}
	return known
}

func placeholder(t cty.Type) cty.Value {
	switch {
	case t == cty.String:
		return cty.StringVal("<unknown>")
	case t == cty.Number:
		return cty.Zero
	case t == cty.Bool:
		return cty.False
	case t.IsListType():
		return cty.ListValEmpty(t.ElementType())
	case t.IsSetType():
		return cty.SetValEmpty(t.ElementType())
	case t.IsMapType():
		return cty.MapValEmpty(t.ElementType())
	default:
		return cty.NullVal(t)
	}
}

// native returns v as plain Go values.
func native(v cty.Value) any {
	switch t := v.Type(); {
	case v.IsNull() || !v.IsKnown():
		return nil
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		return number(v)
	case t.IsObjectType() || t.IsMapType():
		all := map[string]any{}
		for name, one := range v.AsValueMap() {
			all[name] = native(one)
		}
		return all
	default:
		var all []any
		for _, one := range v.AsValueSlice() {
			all = append(all, native(one))
		}
		return all
	}
}

func number(v cty.Value) any {
	if n, accuracy := v.AsBigFloat().Int64(); accuracy == 0 {
		return n
	}
	f, _ := v.AsBigFloat().Float64()
	return f
}
