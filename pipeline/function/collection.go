package function

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// length counts the characters of a string or the elements of a collection. Of
// an unknown tuple or object, too: its type tells.
var length = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		if t == cty.String || t == cty.DynamicPseudoType || t.IsCollectionType() || t.IsTupleType() || t.IsObjectType() {
			return cty.Number, nil
		}
		return cty.Number, function.NewArgErrorf(0, "a string or a collection is needed, not %s", t.FriendlyName())
	},
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v := args[0]
		switch t := v.Type(); {
		case t == cty.DynamicPseudoType:
			return cty.UnknownVal(cty.Number), nil
		case t.IsTupleType():
			return cty.NumberIntVal(int64(len(t.TupleElementTypes()))), nil
		case t.IsObjectType():
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		case t == cty.String:
			return stdlib.Strlen(v)
		default:
			return v.Length(), nil
		}
	},
})

// index finds an element in a list.
var index = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "list", Type: cty.DynamicPseudoType},
		{Name: "value", Type: cty.DynamicPseudoType},
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() {
			return cty.Number, function.NewArgErrorf(0, "a list is needed, not %s", t.FriendlyName())
		}
		return cty.Number, nil
	},
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for it := args[0].ElementIterator(); it.Next(); {
			i, v := it.Element()
			same, err := stdlib.Equal(v, args[1])
			if err != nil || !same.IsKnown() {
				return cty.UnknownVal(cty.Number), err
			}
			if same.True() {
				return i, nil
			}
		}
		return cty.NilVal, function.NewArgErrorf(1, "the list has no such element")
	},
})

// allTrue tells whether there is nothing but true in a list. It stops at the
// first element that settles the answer, or keeps it unknown.
var allTrue = boolFold(func(list []cty.Value) cty.Value {
	for _, v := range list {
		if !v.IsKnown() {
			return cty.UnknownVal(cty.Bool)
		}
		if v.IsNull() || v.False() {
			return cty.False
		}
	}
	return cty.True
})

// anyTrue tells whether there is a true in a list, whatever is unknown.
var anyTrue = boolFold(func(list []cty.Value) cty.Value {
	result := cty.False
	for _, v := range list {
		switch {
		case !v.IsKnown():
			result = cty.UnknownVal(cty.Bool)
		case !v.IsNull() && v.True():
			return cty.True
		}
	}
	return result
})

func boolFold(fold func(list []cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return fold(args[0].AsValueSlice()), nil
		},
	})
}

// sum adds up the numbers of a list, set or tuple. One number that is not known
// makes the sum unknown.
var sum = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type:         function.StaticReturnType(cty.Number),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		list := args[0]
		if t := list.Type(); !t.IsListType() && !t.IsSetType() && !t.IsTupleType() || list.LengthInt() == 0 {
			return cty.NilVal, function.NewArgErrorf(0, "a list with at least one number is needed")
		}
		if !list.IsWhollyKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		return addUp(list.AsValueSlice())
	},
})

func addUp(list []cty.Value) (cty.Value, error) {
	total := cty.Zero
	for _, v := range list {
		n, err := convert.Convert(v, cty.Number)
		if err != nil || n.IsNull() {
			return cty.NilVal, function.NewArgErrorf(0, "every element must be a number")
		}
		if a, b := total.AsBigFloat(), n.AsBigFloat(); a.IsInf() && b.IsInf() && a.Signbit() != b.Signbit() {
			return cty.NilVal, function.NewArgErrorf(0, "infinity and minus infinity have no sum")
		}
		total = total.Add(n)
	}
	return total, nil
}
