package function

import (
	"os"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var (
	startsWith  = textPredicate("str", "prefix", strings.HasPrefix)
	endsWith    = textPredicate("str", "suffix", strings.HasSuffix)
	strContains = textPredicate("str", "substr", strings.Contains)
)

// indent is the library's function, which panics when the number is negative.
var indent = function.New(&function.Spec{
	Params:       stdlib.IndentFunc.Params(),
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if args[0].LessThan(cty.Zero).True() {
			return cty.NilVal, function.NewArgErrorf(0, "a number of spaces is needed")
		}
		return stdlib.IndentFunc.Call(args)
	},
})

// env reads the environment, so that a variable's default can come from it. A
// name that is not set is the empty string.
var env = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "name", Type: cty.String}},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.StringVal(os.Getenv(args[0].AsString())), nil
	},
})

func textPredicate(a, b string, holds func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: a, Type: cty.String}, {Name: b, Type: cty.String}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(holds(args[0].AsString(), args[1].AsString())), nil
		},
	})
}
