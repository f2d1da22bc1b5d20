package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

// Words puts a Try into the words of this command line.
func (a *App) Words(t fault.Try) string {
	on := strings.Join(t.On, " ")
	if text, ok := fixedWords[t.Action]; ok {
		return strings.ReplaceAll(text, "%", on)
	}
	switch t.Action {
	case fault.Repeat:
		return a.repeat(t)
	case fault.Rename:
		return a.rename(on, t.Known)
	case fault.Instead:
		return a.instead(t.On[0], t.On[len(t.On)-1], address.Shown(t.On[len(t.On)-1]))
	case fault.OtherVariant:
		return Named(a.Hollow(on, a.command()+" --variant"), on, t.Known)
	case fault.AddChannel:
		if Meant(on, t.Known) != "" {
			return a.rename(on, t.Known)
		}
		return "amigo-image keys rotate " + on + " --add"
	case fault.LookAtEvidence:
		return "look at the console, the screen and the report in " + Relative(on)
	case fault.ShowHelp:
		return a.command() + " --help"
	default:
		return ""
	}
}

// fixedWords are those of actions that need no more than what they are about,
// which takes the place of the percent sign.
var fixedWords = map[fault.Action]string{
	fault.Nothing:        "",
	fault.Advise:         "%",
	fault.Install:        "apt-get install %",
	fault.UpdateLists:    "apt-get update",
	fault.Diagnose:       "amigo-image doctor",
	fault.ListImages:     "amigo-image list",
	fault.StopMachine:    "amigo-image stop %",
	fault.RemoveMachines: "amigo-image rm %",
	fault.BuildImage:     "amigo-image build .",
	fault.RebuildImage:   "amigo-image build --force .",
	fault.PublishTo:      "amigo-image publish output/ --to %",
	fault.Promote:        "amigo-image promote VERSION %",
	fault.ReadGit:        "git ls-remote %",
	fault.RaiseTimeout:   "amigo-image build -debug, or a longer ssh_timeout in the template",
	fault.MoveOutput:     "another output directory, or move that one away",
	fault.ForgetRoot:     "rm -r %   # forgets the old root; only if the publisher says that there is a new repository",
	fault.ShowKeys:       "amigo-image keys show",
	fault.GetKey:         "get % from whoever keeps it, or let them sign",
	fault.GivePassword:   "export %=..., then the same command",
	fault.CopyRoot:       "cp metadata/1.root.json %   # from the directory that keys init made",
	fault.CopyTargets:    "cp N.targets.json %   # the newest in the repository's metadata/",
	fault.SignRoot:       "amigo-image keys sign   # where such a key is; rm -r % drops it",
	fault.SignWith:       "amigo-image keys sign % --key FILE",
	fault.DropPending:    "rm -r %   # drops the pending root",
	fault.RotateAgain:    "amigo-image keys rotate   # makes a new one",
	fault.DropAndRotate:  "rm -r %   # then amigo-image keys rotate again",
	fault.SignNext:       "amigo-image keys sign %   # in the repository's metadata/",
	fault.InstallPlugin:  "amigo-image plugins install %",
	fault.AwaitMachine:   "amigo-image wait %\namigo-image stop %   # if it never will",
	fault.EnterMachine:   "amigo-image wait %\namigo-image ssh %   # to look\namigo-image stop %   # if it never will",
}

// Remarks say what to change before a command is given again.
var Remarks = map[fault.Means]string{
	fault.Later:           "later",
	fault.FreeSpace:       "when there is some space",
	fault.CollectGarbage:  "after amigo-image gc",
	fault.OtherDisk:       "with XDG_DATA_HOME on another disk",
	fault.OtherOutput:     "with -o on another disk",
	fault.AsRoot:          "as root",
	fault.OtherDirectory:  "with another directory",
	fault.OtherServer:     "with --from ANOTHER-URL",
	fault.HomeRepository:  "with --from and the address of the repository it is from",
	fault.NoProxy:         "without a proxy",
	fault.RightClock:      "when this computer's clock is right",
	fault.AskPublisher:    "ask the publisher",
	fault.OtherVersion:    "with another --version, or none",
	fault.WaitForLock:     "with --wait 10m, to wait for it",
	fault.SinglePublisher: "with --single-publisher, if nobody else publishes there",
	fault.Reinstate:       "with --reinstate, if readers may use it again",
	fault.RightKeys:       "with --keys and the directory of its keys",
	fault.GoOn:            "to resume",
}

// sameCommand stands for a command line that may hold a secret.
const sameCommand = "the same command"

// repeat is the command line again, with a remark that a shell skips.
func (a *App) repeat(t fault.Try) string {
	line, ok := a.line(a.Args)
	if !ok {
		line = sameCommand
	}
	var remarks []string
	for _, m := range t.Means {
		remarks = append(remarks, a.remark(m, t.On))
	}
	if len(remarks) == 0 {
		return line
	}
	return line + "   # " + strings.Join(remarks, ", or ")
}

// remark is what to change in this command line, which is about paths.
func (a *App) remark(m fault.Means, paths []string) string {
	named := func(arg string) bool { return strings.Contains(arg, "://") || strings.HasPrefix(arg, "--from") }
	switch {
	case m == fault.OtherServer && len(a.Args) > 0 && (a.Args[0] == "init" || a.Args[0] == "plugins"):
		return "with --mirror and the directory or the URL of a mirror"
	case m == fault.OtherServer && slices.ContainsFunc(a.Args, named):
		return "with another URL"
	case m == fault.OtherDirectory && len(paths) > 0 && variableOf(paths[0]) != "":
		return "with another directory in " + variableOf(paths[0])
	default:
		return Remarks[m]
	}
}

// variableOf returns the variable that says where the directory lies that a path
// is in, or that is in it, or "".
func variableOf(path string) string {
	data := func() (string, error) {
		store, err := imagestore.Default()
		return store.Path(), err
	}
	for _, place := range []struct {
		variable string
		dir      func() (string, error)
	}{{"XDG_DATA_HOME", data}, {"XDG_CACHE_HOME", os.UserCacheDir}, {"XDG_CONFIG_HOME", os.UserConfigDir}} {
		if dir, err := place.dir(); err == nil && (isBelow(path, dir) || isBelow(dir, path)) {
			return place.variable
		}
	}
	return ""
}

func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && !strings.HasPrefix(rel, "..")
}

// rename is the command line with a name that exists.
func (a *App) rename(wrong string, known []string) string {
	return Named(a.Hollow(wrong, a.command()), wrong, known)
}

// command is the name of the command that runs, without its arguments.
func (a *App) command() string {
	c, _, err := a.Root.Find(slices.Clone(a.Args))
	if err != nil {
		return a.Root.Name()
	}
	return c.CommandPath()
}

// hole is where in a command line the name belongs that was wrong.
const hole = "\x00"

// Named says which name was meant instead of one that is not there: in the
// command's hole, or at its end. If none was, it names those that exist and no
// command, which would act on something else.
func Named(command, wrong string, known []string) string {
	near := Meant(wrong, known)
	var others []string
	for _, name := range nearest.First(wrong, known) {
		if name != near && len(others) < 5 {
			others = append(others, name)
		}
	}
	if !strings.Contains(command, hole) {
		command += " " + hole
	}
	line, rest := strings.Replace(command, hole, near, 1), strings.Join(others, ", ")
	switch {
	case near != "" && rest != "":
		return line + "   # also there: " + rest
	case near != "":
		return line
	case len(others) == 1:
		return "the only one: " + rest
	case rest != "":
		return "one of these: " + rest
	default:
		return ""
	}
}

// Meant returns the name that a mistyped one stands for, or "". The date of a
// version stands for no other version.
func Meant(wrong string, known []string) string {
	day, _, _ := strings.Cut(wrong, ".")
	if _, err := time.Parse(time.DateOnly, day); err == nil {
		return ""
	}
	return nearest.Name(wrong, known)
}

// Count returns a number with its noun, in the plural if need be.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Relative returns a path as seen from the current directory, if it is below.
func Relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return short
}
