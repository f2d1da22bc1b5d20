// Package adapt makes of a built AmiGO what an image serves: a tree that works
// wherever it is opened, tells the truth about its data, and asks nobody else
// for anything that it shows.
package adapt

import (
	"fmt"
	"path"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Data is what AmiGO is told of its data.
type Data struct {
	Release release.Release
	// File is that of a disk of their own which tells it instead, and Badge its picture
	// of the DOI; "" if the data are in the system.
	File, Badge string
}

// Files returns the files of the image's AmiGO from the built tree on the
// host. server is what AmiGO's programs shall know instead of what was built
// in. notes tells of templates that still refer to other hosts.
func Files(tree string, data Data, server map[string]string) (files fileset.Set, notes []string, err error) {
	files, err = fileset.Tree(tree, settings.Root, func(rel string) bool { return path.Base(rel) == "node_modules" })
	if err != nil {
		return nil, nil, err
	}
	files.Add(fileset.Dir(settings.Root, 0o755, ""))
	for _, f := range files.Sorted() {
		change := changeFor(strings.TrimPrefix(f.Path, settings.Root+"/"), data, server)
		if !f.Mode.IsRegular() || change == nil {
			continue
		}
		text, err := regular.ReadFile(f.Host, regular.Document)
		if err != nil {
			return nil, nil, fmt.Errorf("adapting AmiGO: %w", err)
		}
		changed, remarks := change(string(text))
		for _, remark := range remarks {
			notes = append(notes, strings.TrimPrefix(f.Path, settings.Root+"/")+": "+remark)
		}
		f.Data, f.Host = []byte(changed), ""
		files.Add(f)
	}
	if data.Badge != "" {
		files.Add(fileset.Symlink(badgePath, data.Badge))
	} else {
		files.Add(fileset.Text(badgePath, Badge(data.Release.DOI)))
	}
	return files, notes, nil
}

// change is how the text of a file is changed, and what is to be said of it.
type change func(text string) (changed string, notes []string)

func changeFor(rel string, data Data, server map[string]string) change {
	switch {
	case rel == "perl/bin/config.pl":
		return func(text string) (string, []string) { return config(text, data, server), nil }
	case path.Dir(rel) == "perl/bin", rel == "perl/lib/AmiGO.pm":
		return func(text string) (string, []string) { return program(text), nil }
	case rel == "perl/lib/AmiGO/Input.pm":
		return func(text string) (string, []string) { return input(text), nil }
	case strings.HasPrefix(rel, "templates/") && strings.HasSuffix(rel, ".tmpl"):
		return template
	}
	return nil
}
