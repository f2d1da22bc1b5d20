package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/nightly/night"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// slips are the ways to mistype a name by one letter: left out, another one, or
// two that changed places.
func slips(name string) []string {
	var all []string
	for i := range name {
		all = append(all, name[:i]+name[i+1:], name[:i]+string(next(name[i]))+name[i+1:])
		if i > 0 && name[i] != name[i-1] {
			all = append(all, name[:i-1]+string(name[i])+string(name[i-1])+name[i+1:])
		}
	}
	return all
}

// next is the next letter or digit.
func next(c byte) byte {
	switch {
	case c == 'z':
		return 'a'
	case c == '9':
		return '0'
	case c >= 'a' && c < 'z', c >= '0' && c < '9':
		return c + 1
	default:
		return 'x'
	}
}

// oneOff tells whether two names differ by one slip.
func oneOff(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// mistyped calls each with every slip of every known name, unless it could be
// one of another name, too.
func mistyped(known []string, each func(slip, name string)) {
	for _, name := range known {
		for _, slip := range slips(name) {
			other := func(other string) bool { return other != name && oneOff(slip, other) }
			if len(slip) > 1 && slip != name && !slices.ContainsFunc(known, other) {
				each(slip, name)
			}
		}
	}
}

func tryOf(t *testing.T, err error) string {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("%T: %v", err, err)
	}
	return f.Try
}

func testApp() *cli.App {
	a := &cli.App{Registry: testRegistry()}
	a.Root = newRootCommand(a)
	a.Root.InitDefaultHelpCmd()
	a.Root.InitDefaultCompletionCmd()
	return a
}

// TestMistypedCommandsAndFlags: each gets the one that was meant.
func TestMistypedCommandsAndFlags(t *testing.T) {
	a, count := testApp(), 0
	everyCommand(a.Root, func(c *cobra.Command) {
		var commands, flags []string
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() {
				commands = append(commands, child.Name())
			}
		}
		mistyped(commands, func(slip, name string) {
			count++
			if try := tryOf(t, a.UnknownCommand(c, slip)); try != c.CommandPath()+" "+name {
				t.Errorf("%s %s: %s, not %s", c.CommandPath(), slip, try, name)
			}
		})
		cli.EachFlag(c, func(name string) { flags = append(flags, name) })
		mistyped(flags, func(slip, name string) {
			count++
			if try := tryOf(t, a.WrongFlag(c, fmt.Errorf("unknown flag: --%s", slip))); try != "--"+name {
				t.Errorf("%s --%s: %s, not --%s", c.CommandPath(), slip, try, name)
			}
		})
	})
	if count < 3000 {
		t.Errorf("only %d slips", count)
	}
}

// TestMistypedNames is about channels, versions, and what is here. A slip that
// makes another date may be no slip.
func TestMistypedNames(t *testing.T) {
	known := []string{"stable", "nightly", "testing", "2026-11-15", "2026-11-22", "2026-09-01.2", "my-test", "distribution", "production"}
	mistyped(known, func(slip, name string) {
		got, _, _ := strings.Cut(cli.Named("amigo-image info", slip, known), "   #")
		want := "amigo-image info " + name
		if day, _, _ := strings.Cut(slip, "."); dateOf(day) {
			want = "one of these: "
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, not %s", slip, got, want)
		}
	})
}

func dateOf(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

var unexpected = regexp.MustCompile(`An argument named "([^"]+)" is not expected here\.(?: Did you mean "([^"]+)"\?)?`)

// suggested checks what an error about arguments of HCL suggests instead of the
// slips of names.
func suggested(t *testing.T, what string, names []string, messages []string) {
	t.Helper()
	got := map[string]string{}
	for _, message := range messages {
		for _, match := range unexpected.FindAllStringSubmatch(message, -1) {
			got[match[1]] = match[2]
		}
	}
	mistyped(names, func(slip, name string) {
		if near, told := got[slip]; near != name || !told {
			t.Errorf("%s: %s: %q, not %s", what, slip, near, name)
		}
	})
}

// arguments sets every slip of names.
func arguments(names []string) string {
	var text strings.Builder
	set := map[string]bool{}
	mistyped(names, func(slip, _ string) {
		if set[slip] {
			return
		}
		set[slip] = true
		if regexp.MustCompile(`^[a-z_][a-z0-9_]*$`).MatchString(slip) {
			fmt.Fprintf(&text, "  %s = 1\n", slip)
		}
	})
	return text.String()
}

func made[Component packersdk.HCL2Speccer](t *testing.T, factory pipeline.Factory[Component]) Component {
	t.Helper()
	component, err := factory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return component
}

// TestMistypedArguments is about the arguments of every component, in a
// template.
func TestMistypedArguments(t *testing.T) {
	registry := registry()
	specs := map[string]packersdk.HCL2Speccer{}
	for name, make := range registry.Builders {
		if name == "null" { // the tests have one of their own
			continue
		}
		specs["source \""+name+"\" \"a\" {\n%s}\nbuild {\n  sources = [\""+name+".a\"]\n}\n"] = made(t, make)
	}
	const build = "source \"null\" \"a\" {}\nbuild {\n  sources = [\"null.a\"]\n  "
	for name, make := range registry.Provisioners {
		if slices.Contains([]string{"powershell", "windows-shell", "windows-restart"}, name) { // refused
			continue
		}
		specs[build+"provisioner \""+name+"\" {\n%s}\n}\n"] = made(t, make)
	}
	for name, make := range registry.PostProcessors {
		specs[build+"post-processor \""+name+"\" {\n%s}\n}\n"] = made(t, make)
	}
	for text, component := range specs {
		var names []string
		for name, spec := range component.ConfigSpec() {
			if _, ok := spec.(*hcldec.AttrSpec); ok && !strings.HasPrefix(name, "packer_") {
				names = append(names, name)
			}
		}
		path := filepath.Join(t.TempDir(), "t.pkr.hcl")
		if err := os.WriteFile(path, fmt.Appendf(nil, text, arguments(names)), 0o600); err != nil {
			t.Fatal(err)
		}
		template, err := pipeline.Parse(path, pipeline.Input{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = template.Plan(t.Context(), testRegistry(), pipeline.Options{})
		var wrong *pipeline.TemplateError
		if !errors.As(err, &wrong) {
			t.Fatalf("%v", err)
		}
		var messages []string
		for _, d := range wrong.Diagnostics {
			messages = append(messages, d.Detail)
		}
		suggested(t, regexp.MustCompile(`"[a-z-]+" ("a" )?\{\n`).FindString(strings.TrimPrefix(text, build)), names, messages)
	}
}

// TestMistypedNightly is about the file of a night.
func TestMistypedNightly(t *testing.T) {
	file := []string{"template", "variables", "variable_files", "directories", "repository", "public_url", "channel", "keys", "state", "budget", "notify"}
	rules := []string{"last", "daily", "weekly", "monthly", "yearly", "within", "versions"}
	path := filepath.Join(t.TempDir(), "nightly.hcl")
	for _, c := range []struct {
		text  string
		names []string
	}{{"%s", file}, {"keep {\n%s}\n", rules}} {
		if err := os.WriteFile(path, fmt.Appendf(nil, c.text, arguments(c.names)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := night.Read(path)
		var wrong *night.Error
		if !errors.As(err, &wrong) {
			t.Fatalf("%v", err)
		}
		var messages []string
		for _, d := range wrong.Diagnostics {
			messages = append(messages, d.Detail)
		}
		suggested(t, "nightly.hcl", c.names, messages)
	}
}
