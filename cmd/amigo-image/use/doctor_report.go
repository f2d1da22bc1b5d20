package use

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// describeHost writes what a bug report should say in addition to what doctor finds:
// the program, the host, what is here. Of variables it tells the names only.
func describeHost(store imagestore.Store, dir cache.Dir) {
	writeFacts([]fact{
		{"amigo-image", version.String() + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{"system", systemName()},
		{"kernel", kernel()},
		{"processors", fmt.Sprint(runtime.NumCPU())},
		{"variables", strings.Join(settings(os.Environ()), " ")},
		{"images", bytesize.Of(imagestore.Allocated(store.Path())) + " in " + store.Path()},
		{"logs", cli.LogDir(dir)},
	})
	images, _ := store.Images()
	for _, image := range images {
		writeFacts([]fact{{"image", labelOf(image.Version, image.Variant)}})
	}
	fmt.Fprintln(cli.Stdout)
}

// systemName is what the system calls itself.
func systemName() string {
	content, _ := regular.ReadFile("/etc/os-release", regular.Document)
	for line := range strings.Lines(string(content)) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return runtime.GOOS
}

func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:]) + " " + unix.ByteSliceToString(name.Machine[:])
}

// settings are the names of the variables that change what this program does.
func settings(environ []string) []string {
	var names []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{cli.Environment, "PKR_", "PACKER_", "XDG_", "TMPDIR", "NO_COLOR", "TERM"} {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
