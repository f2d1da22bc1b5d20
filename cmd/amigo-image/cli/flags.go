package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Environment begins the names of the variables that set flags:
// AMIGO_IMAGE_LOG is --log.
const Environment = "AMIGO_IMAGE_"

var (
	oneDash = regexp.MustCompile(`^-[a-z][a-z-]+(=|$)`)
	several = regexp.MustCompile(`^-[hqv]+$`) // short flags in one word
)

// LongFlags lets long flags begin with one dash, as Packer's do.
func LongFlags(args []string) []string {
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if oneDash.MatchString(arg) && !several.MatchString(arg) {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}

// EachFlag visits the names of all flags that c takes.
func EachFlag(c *cobra.Command, visit func(name string)) {
	each := func(f *pflag.Flag) { visit(f.Name) }
	c.LocalFlags().VisitAll(each)
	c.InheritedFlags().VisitAll(each)
}

// deliberate marks a flag that only the command line sets.
const deliberate = "command line only"

// Deliberate marks flags that the environment does not set: those that confirm,
// that do more than usual, or that are about one version, machine or key.
func Deliberate(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, deliberate, nil); err != nil {
			panic(err)
		}
	}
}

func isDeliberate(f *pflag.Flag) bool {
	_, marked := f.Annotations[deliberate]
	return marked
}

// EnvironmentOf says which variables set the flags of a command.
func EnvironmentOf(c *cobra.Command) string {
	var not []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if isDeliberate(f) && !f.Hidden {
			not = append(not, "--"+f.Name)
		}
	})
	text := "Environment variables set flags: " + Environment + "LOG is --log, for example."
	if len(not) > 0 {
		text += " They do not set " + strings.Join(not, ", ") + "."
	}
	return text
}

// FromEnvironment gives flags that were not on the command line their value
// from the environment.
func FromEnvironment(c *cobra.Command) error {
	var err error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := Environment + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || isDeliberate(f) || err != nil {
			return
		}
		if fault := c.Flags().Set(f.Name, value); fault != nil {
			err = Usage(fmt.Sprintf("%s in the environment: %s", name, environmentFault(fault)), "unset "+name)
		}
	})
	return err
}

func environmentFault(err error) string {
	if value := (*pflag.InvalidValueError)(nil); errors.As(err, &value) {
		return wrongValue(value)
	}
	return err.Error()
}

var flagInError = regexp.MustCompile(`--[^\s=]+`)

// flagOf returns the flag that an error of the flag parser is about.
func flagOf(err error) string { return flagInError.FindString(err.Error()) }

// Argument is for commands that take a template; the current directory is the
// default.
func Argument(c *cobra.Command, args []string) (string, error) {
	switch len(args) {
	case 0:
		return ".", nil
	case 1:
		return args[0], nil
	default:
		return "", Usage("one template at a time", c.CommandPath()+" "+args[0])
	}
}

// NoArguments refuses arguments.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usage(c.Name()+" takes no arguments", c.CommandPath())
	}
	return nil
}
