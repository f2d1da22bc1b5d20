package settings

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// unsafe tells what cannot be in a value. AmiGO's install escapes nothing when
// it writes a value between apostrophes into a Perl program.
func unsafe(r rune) bool {
	return r == '\'' || r == '\\' || r == utf8.RuneError || r != '\t' && !unicode.IsPrint(r)
}

func parse(kind, value string) (yaml.Node, error) {
	if strings.ContainsFunc(value, unsafe) {
		return yaml.Node{}, fmt.Errorf("%q holds an apostrophe, a backslash or what cannot be printed, which AmiGO cannot take", value)
	}
	switch kind {
	case "boolean":
		return boolean(value)
	case "integer", "number":
		return number(value)
	case "list":
		return list(value), nil
	case "json":
		return fromJSON(value)
	default:
		return text(value), nil
	}
}

func boolean(value string) (yaml.Node, error) {
	switch strings.ToLower(value) {
	case "1", "true":
		return integer("1"), nil
	case "0", "false":
		return integer("0"), nil
	}
	return yaml.Node{}, fmt.Errorf("%q is not a boolean: write \"1\" or \"0\"", value)
}

// number allows integers only: install cuts off what is behind the point.
func number(value string) (yaml.Node, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil {
		return yaml.Node{}, fmt.Errorf("%q is not a whole number", value)
	}
	return integer(strconv.FormatInt(n, 10)), nil
}

func list(value string) yaml.Node {
	node := yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, item := range strings.Fields(value) {
		entry := text(item)
		node.Content = append(node.Content, &entry)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
	}
	return node
}

func fromJSON(value string) (yaml.Node, error) {
	var parsed any
	if err := json.Unmarshal([]byte(value), &parsed); err != nil {
		return yaml.Node{}, fmt.Errorf("%q is not JSON: %w", value, err)
	}
	var node yaml.Node
	if err := node.Encode(parsed); err != nil {
		return yaml.Node{}, fmt.Errorf("%q cannot be written as YAML: %w", value, err)
	}
	return node, nil
}

func integer(digits string) yaml.Node {
	return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: digits}
}

func text(value string) yaml.Node {
	return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.SingleQuotedStyle, Value: value}
}
