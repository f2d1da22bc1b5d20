// Package optlist writes the option lists of QEMU's command line, such as
// "if=none,id=disk0,file=a,,b.qcow2". All of the project's are written here, so
// that no value can be forgotten that needs escaping.
package optlist

import (
	"path/filepath"
	"strings"
)

// List is an option list that grows.
type List struct{ text strings.Builder }

// Of begins a list with a word that has no name, such as a device's driver, or
// with none.
func Of(driver string) *List {
	l := new(List)
	l.text.WriteString(escape(driver))
	return l
}

// With adds an option.
func (l *List) With(name, value string) *List {
	if l.text.Len() > 0 {
		l.text.WriteByte(',')
	}
	l.text.WriteString(name + "=" + escape(value))
	return l
}

// File adds an option whose value is the path of a file. It becomes absolute:
// QEMU reads the beginning of another one as a protocol, such as "nbd:".
func (l *List) File(name, path string) *List {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return l.With(name, path)
}

// String returns the list as one argument.
func (l *List) String() string { return l.text.String() }

// escape doubles commas, which end a value.
func escape(value string) string { return strings.ReplaceAll(value, ",", ",,") }
