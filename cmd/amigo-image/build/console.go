package build

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

func newConsoleCommand(a *cli.App) *cobra.Command {
	var t templateFlags
	c := &cobra.Command{
		Use:     "console [TEMPLATE]",
		GroupID: "build",
		Short:   "try expressions",
		Long: `Read expressions, a line each, and print their values. They can use the variables,
locals and functions of a template; "variables" prints the first two, and "exit" ends
the console. Without a template there are only the functions. In a pipe, the first expression that is wrong ends it.
` + exitStatusRead,
		Example: "  amigo-image console examples/amigo\n  echo 'upper(\"x\")' | amigo-image console",
		RunE:    func(c *cobra.Command, args []string) error { return runConsole(a, c, args, &t) },
	}
	t.addInput(c.Flags())
	c.Flags().String("config-type", "hcl2", "for scripts that use Packer; changes nothing")
	_ = c.Flags().MarkHidden("config-type")
	return c
}

func runConsole(a *cli.App, c *cobra.Command, args []string, t *templateFlags) error {
	t.allowUnset = true
	template, err := t.orNothing(c, args)
	if err != nil {
		return err
	}
	console, err := cli.Leave(c.Context(), template.Console)
	if err != nil {
		return err
	}
	return converse(c.Context(), a, console)
}

// orNothing is the template; without one, one that has nothing.
func (t *templateFlags) orNothing(c *cobra.Command, args []string) (*pipeline.Template, error) {
	if len(args) > 0 {
		return t.parse(c, args)
	}
	return pipeline.Parse("-", pipeline.Input{Read: func(string) ([]byte, error) { return nil, nil }})
}

// converse answers what is typed, or piped in, until that ends or ctx is done.
func converse(ctx context.Context, a *cli.App, console *pipeline.Console) error {
	person := terminal.Is(os.Stdin)
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, regular.Document)
	lines := make(chan string)
	go func() { // which waits for who types, and ends with the program
		defer close(lines)
		for input.Scan() {
			lines <- strings.TrimSpace(input.Text())
		}
	}()
	for {
		prompt(person)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case line, more := <-lines:
			if !more {
				return input.Err()
			}
			if line == "exit" {
				return nil
			}
			if err := answer(ctx, a, console, line); err != nil && !person {
				return err
			}
		}
	}
}

// answer prints the value of an expression, or what is wrong with it.
func answer(ctx context.Context, a *cli.App, console *pipeline.Console, line string) error {
	switch line {
	case "":
	case "help":
		fmt.Fprintln(cli.Stdout, `An expression prints its value, "variables" all variables and locals; "exit" ends the console.`)
	case "variables":
		fmt.Fprintln(cli.Stdout, strings.Join(console.Values(), "\n"))
	default:
		value, err := cli.Leave(ctx, func() (string, error) { return console.Evaluate(line) })
		if wrong := (*pipeline.TemplateError)(nil); errors.As(err, &wrong) {
			a.ShowTemplate(wrong)
			return &cli.StatusError{Status: fault.Other}
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(cli.Stdout, value)
	}
	return nil
}

func prompt(person bool) {
	if person {
		fmt.Fprint(cli.Stdout, "> ")
	}
}
