// Package field says which field of a configuration an error is about. The engine
// names the fields of its own types, such as "GOlr.War". A component maps them to
// what its users write in a template, such as golr.solr_war.
package field

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Error is an error of a field.
type Error struct {
	Field string
	Err   error
}

func (e *Error) Error() string { return e.Field + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an error of a field.
func Errorf(field, format string, args ...any) error {
	return &Error{Field: field, Err: fmt.Errorf(format, args...)}
}

// Wrap returns err as that of a field, and nil for none.
func Wrap(field string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Field: field, Err: err}
}

// Map returns err with other names of its fields. A field that has none keeps
// its own.
func Map(err error, names map[string]string) error {
	switch e := err.(type) { //nolint:errorlint // each error of the chain is mapped
	case nil:
		return nil
	case *Error:
		return &Error{Field: cmp.Or(names[e.Field], e.Field), Err: Map(e.Err, names)}
	case interface{ Unwrap() []error }:
		return mapJoined(err, e.Unwrap(), names)
	}
	inner := errors.Unwrap(err)
	if inner == nil || !errors.As(inner, new(*Error)) {
		return err
	}
	other := Map(inner, names)
	return &mapped{text: strings.ReplaceAll(err.Error(), inner.Error(), other.Error()), other: other, err: err}
}

func mapJoined(err error, parts []error, names map[string]string) error {
	if !errors.As(err, new(*Error)) {
		return err
	}
	text, others := err.Error(), make([]error, 0, len(parts))
	for _, part := range parts {
		other := Map(part, names)
		others = append(others, other)
		text = strings.Replace(text, part.Error(), other.Error(), 1)
	}
	if joined := errors.Join(others...); joined.Error() == text {
		return joined
	}
	return &mapped{text: text, other: errors.Join(others...), err: err}
}

// mapped is an error whose text has other names of fields.
type mapped struct {
	text       string
	other, err error
}

func (m *mapped) Error() string { return m.text }

func (m *mapped) Unwrap() []error { return []error{m.other, m.err} }
