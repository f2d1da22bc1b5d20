package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// rangeError says what a flag takes, of a value that it does not.
type rangeError struct{ takes string }

func (e *rangeError) Error() string { return "it takes " + e.takes }

// DurationVar gives a command a flag whose value is a time, and not a negative one.
func DurationVar(flags *pflag.FlagSet, p *time.Duration, name string, usage string) {
	flags.Var((*duration)(p), name, usage)
	flags.Lookup(name).DefValue = "" // each says itself what happens without it
}

type duration time.Duration

func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err == nil && value < 0 {
		err = errors.New("negative")
	}
	*d = duration(value)
	return err
}

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Type() string { return "duration" }

// IntVar gives a command a flag whose value is a number that is at least least.
func IntVar(flags *pflag.FlagSet, p *int, name string, value, least int, usage string) {
	IntBetweenVar(flags, p, name, value, least, math.MaxInt, usage)
}

// IntBetweenVar is [IntVar] for a number that is at most most.
func IntBetweenVar(flags *pflag.FlagSet, p *int, name string, value, least, most int, usage string) {
	*p = value
	flags.Var(&number{p, least, most}, name, usage)
}

// OneOfVar gives a command a flag whose value is one of a few words.
func OneOfVar(flags *pflag.FlagSet, p *string, name string, words []string, usage string) {
	flags.Var(&word{p, words}, name, usage)
}

type word struct {
	value *string
	words []string
}

func (w *word) Set(text string) error {
	if !slices.Contains(w.words, text) {
		return &rangeError{strings.Join(w.words, " or ")}
	}
	*w.value = text
	return nil
}

func (w *word) String() string {
	if w.value == nil { // pflag asks the zero value
		return ""
	}
	return *w.value
}

func (w *word) Type() string { return "word" }

type number struct {
	value       *int
	least, most int
}

func (n *number) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	if value < n.least || value > n.most {
		return &rangeError{n.takes()}
	}
	*n.value = value
	return nil
}

func (n *number) takes() string {
	if n.most == math.MaxInt {
		return fmt.Sprintf("a number, at least %d", n.least)
	}
	return fmt.Sprintf("a number from %d to %d", n.least, n.most)
}

func (n *number) String() string {
	if n.value == nil { // pflag asks the zero value
		return "0"
	}
	return strconv.Itoa(*n.value)
}

func (n *number) Type() string { return "int" }
