package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/memory"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// app is what the commands share: the registry and the global flags.
type app struct {
	registry pipeline.Registry
	root     *cobra.Command

	args    []string // the command line
	json    bool
	quiet   bool
	verbose bool
	colour  terminal.Colour
	every   time.Duration
	times   bool // lines in a pipe begin with the time
	log     string
	logPath string // of the log that was written, for errors
}

// run runs the command line and returns the exit status.
func run(args []string, registry pipeline.Registry) int {
	memory.Spare()
	log.SetOutput(io.Discard)
	a := &app{registry: registry, args: args, colour: terminal.Auto}
	a.root = a.rootCommand()
	a.root.SetArgs(doubleDashes(args))
	ctx, stop := interruptible()
	defer stop()
	defer answering(strings.Join(append([]string{a.root.Name()}, args[:min(1, len(args))]...), " "))()
	status := fault.OK
	if err := a.root.ExecuteContext(ctx); err != nil {
		status = a.report(err)
	}
	if status == fault.OK {
		status = a.printed()
	}
	return status
}

// stdout and stderr are where everything is printed.
var stdout, stderr = terminal.NewPrinter(os.Stdout), terminal.NewPrinter(os.Stderr)

// printed returns the exit status of a command that did what it should, if its
// result could be written. A reader who has seen enough is no fault.
func (a *app) printed() int {
	err := stdout.Err()
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return fault.OK
	}
	return a.report(fmt.Errorf("printing the result: %w", err))
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "amigo-image",
		Short: "AmiGO virtual machines: get, run, build and publish them.",
		Example: "  amigo-image run stable          fetch if needed, start, print the address\n" +
			"  amigo-image pull stable         fetch and verify only\n  amigo-image build .             build from the template here",
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return fromEnvironment(c) },
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.unknownCommand(c, args[0])
			}
			return c.Help()
		},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddGroup(&cobra.Group{ID: "use", Title: "Use"}, &cobra.Group{ID: "build", Title: "Build"}, &cobra.Group{ID: "publish", Title: "Publish"})
	a.globalFlags(root)
	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(a.unknownFlag)
	root.SetHelpCommandGroupID("use")
	root.SetCompletionCommandGroupID("use")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveDefault)
	cobra.EnableCommandSorting = false // the help names first what people want first
	root.AddCommand(a.useCommands()...)
	root.AddCommand(a.buildCommand(), a.validateCommand(), a.inspectCommand())
	root.AddCommand(a.publisherCommands()...)
	root.AddCommand(a.nightlyCommand(), a.keysCommand(), a.manCommand())
	completion(root)
	return root
}

func (a *app) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "write JSON, one object a line")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "write only the result, and warnings")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "show the output of tools, too")
	flags.Var(&a.colour, "color", "use colours")
	flags.DurationVar(&a.every, "progress", 0, "where no terminal is, tell every `TIME`, such as 30s, how far it is")
	flags.StringVar(&a.log, "log", "", "write the full log to this `FILE`")
	flags.Lookup("color").NoOptDefVal = "always"
}

// report tells the error and returns its exit status.
func (a *app) report(err error) int {
	var wrong *pipeline.TemplateError
	if errors.As(err, &wrong) && !errors.As(err, new(*pipeline.BuildError)) {
		return a.reportTemplate(wrong)
	}
	var quiet *silent
	if errors.As(err, &quiet) {
		return quiet.status
	}
	status := fault.Other
	for i, f := range faultsOf(err) {
		if i == 0 || f.Code == fault.Interrupted {
			status = f.Code
		}
		a.tell(f)
	}
	return status
}

func (a *app) tell(f *fault.Error) {
	a.word(f)
	f = shown(f)
	if a.json {
		_ = json.NewEncoder(stdout.Document()).Encode(struct {
			Type string `json:"type"`
			*fault.Error
		}{"error", f})
		return
	}
	var text strings.Builder
	_ = f.Write(&text)
	_, _ = io.WriteString(stderr, terminal.Wrapped(os.Stderr, text.String()))
}

// word says in words what f knows to try.
func (a *app) word(f *fault.Error) {
	if f.Try == "" {
		f.Try = a.words(f.Do)
	}
}

// shown is a fault with its addresses as anybody may see them.
func shown(f *fault.Error) *fault.Error {
	other := *f
	for _, text := range []*string{&other.What, &other.Where, &other.Kept, &other.Try} {
		*text = address.ShownIn(*text)
	}
	return &other
}

// variable sets a template's variables, which may be sensitive.
var variable = regexp.MustCompile(`^--?var(-file)?(=|$)`)

func mayBeSecret(arg string) bool {
	flag := strings.HasPrefix(arg, "-")
	return variable.MatchString(arg) || flag && address.ShownIn(arg) != arg || !flag && address.HasSecret(arg)
}

// line is a command line for a shell, unless it may hold a secret.
func (a *app) line(args []string) (string, bool) {
	for _, arg := range args {
		if mayBeSecret(arg) {
			return "", false
		}
	}
	return command.Cmd{Name: a.root.Name(), Args: args}.String(), true
}

// instead is the command line with another argument in the place of one that
// is wrong, or short if it may hold a secret.
func (a *app) instead(wrong, right, short string) string {
	args := slices.Clone(a.args)
	at := slices.IndexFunc(args, func(arg string) bool { return arg == wrong || strings.HasSuffix(arg, "="+wrong) })
	if at < 0 {
		return short
	}
	args[at] = strings.TrimSuffix(args[at], wrong) + right
	if line, ok := a.line(args); ok {
		return line
	}
	return short
}

// hollow is the command line with a hole for a name that is wrong, or short.
func (a *app) hollow(wrong, short string) string {
	line := a.instead(wrong, hole, short)
	return strings.Replace(line, "'"+hole+"'", hole, 1)
}

func (a *app) reportTemplate(wrong *pipeline.TemplateError) int {
	if !a.json {
		a.showTemplate(wrong)
		a.tell(notValid(wrong))
		return fault.Other
	}
	for _, d := range wrong.Diagnostics {
		f := &fault.Error{What: wrong.Hide(d.Summary + ": " + d.Detail), Code: fault.Other}
		if d.Subject != nil {
			f.Where = d.Subject.String()
		}
		a.tell(f)
	}
	return fault.Other
}

func notValid(wrong *pipeline.TemplateError) *fault.Error {
	return &fault.Error{What: fmt.Sprintf("the template is not valid: %s", count(len(wrong.Diagnostics.Errs()), "fault")), Code: fault.Other}
}

// showTemplate shows faults or warnings with their lines of the template.
func (a *app) showTemplate(wrong *pipeline.TemplateError) {
	width := min(terminal.Width(os.Stderr), 100)
	_ = wrong.Write(stderr.Coloured(), width, a.colour.Coloured(os.Stderr))
}

// usage is an error of the command line.
func usage(what, try string) error {
	return &fault.Error{What: what, Try: try, Code: fault.Usage}
}

func (a *app) unknownCommand(c *cobra.Command, name string) error {
	try := c.CommandPath() + " --help"
	var known []string
	for _, command := range c.Commands() {
		if command.IsAvailableCommand() {
			known = append(known, command.Name())
		}
	}
	if near := nearest.Name(name, known); near != "" {
		try = a.instead(name, near, c.CommandPath()+" "+near)
	}
	return usage(fmt.Sprintf("there is no command %q", name), try)
}

func (a *app) unknownFlag(c *cobra.Command, err error) error {
	try := c.CommandPath() + " --help"
	var known []string
	visitFlags(c, func(name string) { known = append(known, "--"+name) })
	wrong := flagOf(err)
	if near := nearest.Name(wrong, known); near != "" {
		try = near
		for _, arg := range a.args {
			// It may have one dash, and a value.
			if name, value, _ := strings.Cut(arg, "="); strings.TrimLeft(name, "-") == strings.TrimLeft(wrong, "-") {
				try = a.instead(arg, near+arg[len(arg)-len(value)-min(1, len(value)):], near)
			}
		}
	}
	return usage(err.Error(), try)
}

// cacheDir is where everything that can be made again is kept.
func cacheDir() (cache.Dir, error) {
	dir, err := cache.Default()
	if err != nil {
		return dir, &fault.Error{What: "there is no cache directory", Try: "export XDG_CACHE_HOME=DIR", Code: fault.Host, Err: err}
	}
	return dir, nil
}
