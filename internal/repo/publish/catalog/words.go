package catalog

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

// words are the functions of the templates.
var words = template.FuncMap{
	"link":       address.EscapePath,
	"save":       save,
	"size":       bytesize.Of,
	"arrows":     func(text string) string { return strings.ReplaceAll(text, "->", "→") },
	"number":     changes.Number,
	"short":      changes.Short,
	"day":        func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"minute":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"duration":   duration,
	"gib":        func(bytes int64) int64 { return (bytes + units.GiB - 1) / units.GiB },
	"dashed":     func(version string) string { return dashes.Replace(strings.ToLower(version)) },
	"fast":       func(accelerator string) string { return accelerators[accelerator] },
	"what":       func(role manifest.Role) string { return purposes[role] },
	"meaning":    func(channel string) string { return meanings[channel] },
	"did":        func(a layout.Action) string { return actions[a] },
	"few":        func(numbers []string) []string { return first(maxCVEs, numbers) },
	"more":       func(numbers []string) int { return max(len(numbers)-maxCVEs, 0) },
	"first":      func(list []changes.Row) []changes.Row { return first(maxPackages, list) },
	"firstNew":   func(list []changes.Package) []changes.Package { return first(maxPackages, list) },
	"firstMoves": func(list []layout.Move) []layout.Move { return first(maxMoves, list) },
	"commits":    func(list []changes.Commit) []changes.Commit { return first(maxCommits, list) },
	"brief":      func(subject string) string { return runewidth.Truncate(subject, maxSubject, "…") },
	"untold":     func(count int) int { return max(count-maxCommits, 0) },
	"beyond":     func(length int) int { return max(length-maxPackages, 0) },
}

// dashes makes a version one that clouds take in names.
var dashes = strings.NewReplacer(".", "-", "_", "-", "+", "-")

// duration says seconds as people do: "3 min 8 s".
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

var accelerators = map[string]string{
	"kvm": "with KVM",
	"tcg": "without KVM",
}

// meanings are what the channels are for that every repository has. What
// others are for, only their publishers know.
var meanings = map[string]string{
	"stable":  "for everyday use. A person chooses its versions.",
	"nightly": "the newest build. A machine makes and tests it, and no person has looked at it.",
}

var purposes = map[manifest.Role]string{
	manifest.Disk:          "disk, qcow2",
	layout.Chunks:          "raw disk, zstd",
	layout.Index:           "index for updates",
	manifest.PackageList:   "packages",
	manifest.CommitList:    "AmiGO’s last commits",
	manifest.SecurityFixes: "security fixes of the packages",
	layout.BootReport:      "boot test report",
	layout.Screenshot:      "console after the test",
	layout.ImageFacts:      "facts of the image",
	layout.Changes:         "what changed",
}

var actions = map[layout.Action]string{
	layout.Published:  "published",
	layout.Promoted:   "promoted",
	layout.RolledBack: "rolled back",
}

func first[T any](n int, list []T) []T { return list[:min(n, len(list))] }

// save is how curl is told to save a download under the name of its file, which
// it does not take from an address that has it escaped.
func save(name string) string {
	if address.EscapePath(name) == name {
		return "O"
	}
	return "o " + name
}
