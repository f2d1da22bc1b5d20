package function

import (
	"errors"
	"fmt"
	"strings"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"gopkg.in/yaml.v3"
)

// The bounds of a YAML document, which may come from a server.
const (
	// yamlPlain is how many bytes are read without a look at them first. They
	// cannot be nested so deep that reading them takes seconds.
	yamlPlain = 4 << 10
	// yamlDepth is how deep values may be nested.
	yamlDepth = 200
	// yamlValues is how many values aliases may add to a document when each is
	// replaced by what it stands for.
	yamlValues = 1 << 18
)

// yamlDecode is the library's function, whose values are those that Packer
// gives. The library bounds neither nesting nor aliases, so that a kilobyte can
// take hours and all memory; and some documents make it panic.
var yamlDecode = function.New(&function.Spec{
	Params: ctyyaml.YAMLDecodeFunc.Params(),
	Type: func(args []cty.Value) (cty.Type, error) {
		if args[0].IsKnown() {
			if err := checkYAML(args[0].AsString()); err != nil {
				return cty.NilType, function.NewArgError(0, err)
			}
		}
		t, err := ctyyaml.YAMLDecodeFunc.ReturnTypeForValues(args)
		return t, withoutStack(err)
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, err := ctyyaml.YAMLDecodeFunc.Call(args)
		return v, withoutStack(err)
	},
})

// withoutStack words a panic of the library, which cty returns together with its
// stack.
func withoutStack(err error) error {
	if p := (function.PanicError{}); errors.As(err, &p) {
		return function.NewArgErrorf(0, "the document cannot be read: %v", p.Value)
	}
	return err
}

// checkYAML returns an error if a document nests too deep, or if its aliases
// make too much of it.
func checkYAML(src string) error {
	if len(src) <= yamlPlain && !strings.Contains(src, "*") {
		return nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(src), &document); err != nil {
		return err
	}
	// No document has more values than bytes.
	c := yamlCounter{most: len(src) + yamlValues, counted: map[*yaml.Node]int{}}
	_, err := c.count(&document, 0)
	return err
}

// yamlCounter counts the values of a document.
type yamlCounter struct {
	most int
	// counted has what aliases stand for: each is counted once only, as the sum
	// can be more than there is time to count.
	counted map[*yaml.Node]int
}

func (c yamlCounter) count(n *yaml.Node, depth int) (int, error) {
	if depth > yamlDepth {
		return 0, fmt.Errorf("line %d is nested more than %d deep", n.Line, yamlDepth)
	}
	if n.Kind == yaml.AliasNode {
		return c.countAlias(n.Alias, depth)
	}
	total := 1
	for _, inner := range n.Content {
		values, err := c.count(inner, depth+1)
		if err != nil {
			return 0, err
		}
		if total += values; total > c.most {
			return 0, fmt.Errorf("the aliases up to line %d add more than %d values", inner.Line, yamlValues)
		}
	}
	return total, nil
}

func (c yamlCounter) countAlias(target *yaml.Node, depth int) (int, error) {
	if values, ok := c.counted[target]; ok {
		return values, nil
	}
	c.counted[target] = 1 // an alias inside of what it stands for: the library refuses it
	values, err := c.count(target, depth)
	c.counted[target] = values
	return values, err
}
