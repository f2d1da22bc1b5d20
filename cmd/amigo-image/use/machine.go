package use

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// findMachine finds or describes the machine that is to run.
func findMachine(ctx context.Context, r *cli.Reporter, store imagestore.Store, f *runFlags, name string) (imagestore.Machine, error) {
	if err := checkKeep(store, f.keep); err != nil {
		return imagestore.Machine{}, err
	}
	m, found, err := keptMachine(ctx, store, f.keep, name)
	if found || err != nil {
		return m, err
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return fromFile(ctx, f, name)
	}
	image, err := obtainImage(ctx, r, store, &f.sourceFlags, wanted{name: name, variants: f.names(), revoked: true})
	if err != nil {
		return imagestore.Machine{}, err
	}
	if name == "" {
		name = image.Version
	}
	m = newMachine(f, name)
	m.Version, m.Variant, m.Backing, m.BackingFormat = image.Version, image.Variant, image.Disk(), "raw"
	m.Date, m.DOI = image.Manifest.GOlr.Date, image.Manifest.GOlr.DOI
	facts, _ := image.Manifest.Image(image.Variant)
	m.Tested = facts.BootTest.MemoryMiB
	data, apart, err := store.Data(image)
	if apart && err == nil {
		m.Data, m.DataFormat = data.Disk(), "raw"
	}
	return m, errors.Join(err, store.Touch(image), touch(store, data))
}

// touch marks an image with data as used, if there is one.
func touch(store imagestore.Store, data imagestore.Image) error {
	if data.Dir == "" {
		return nil
	}
	return store.Touch(data)
}

// checkKeep refuses to keep a machine under the name of a channel or version,
// which would stand for both.
func checkKeep(store imagestore.Store, name string) error {
	known, err := store.Known()
	if err != nil {
		return err
	}
	_, channel := known.Channels[name]
	version := layout.CheckVersion(name) == nil
	if !channel && !version {
		return nil
	}
	return cli.Usage(fmt.Sprintf("%q is a name for a channel or version", name), "--keep my-"+name)
}

// keptMachine finds a machine that was kept, by the name that is to run or that
// is to be kept. To keep another image under its name is a mistake.
func keptMachine(ctx context.Context, store imagestore.Store, keep, name string) (m imagestore.Machine, found bool, err error) {
	for _, wanted := range []string{name, keep} {
		m, err = store.Machine(ctx, wanted)
		if errors.As(err, new(*imagestore.MissingError)) || err == nil && !m.Kept {
			continue
		}
		switch {
		case err != nil:
		case m.Lives():
			err = &imagestore.MachineBusyError{Machine: m}
		case name != "" && name != wanted:
			err = &fault.Error{What: keep + " is there already", Code: fault.Usage, Try: "amigo-image run " + keep + "   # or another name for --keep"}
		}
		return m, true, err
	}
	return imagestore.Machine{}, false, nil
}

func newMachine(f *runFlags, name string) imagestore.Machine {
	m := imagestore.Machine{Name: name, ID: "i-" + strings.ToLower(rand.Text())[:12]}
	if f.as != "" {
		m.Name = f.as
	}
	if f.keep != "" {
		m.Name, m.Kept = f.keep, true
	}
	return m
}

// fromFile describes a machine of an image file, with what the manifest beside
// it says.
func fromFile(ctx context.Context, f *runFlags, path string) (imagestore.Machine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return imagestore.Machine{}, err
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	m := newMachine(f, imagestore.MachineName(base))
	m.Backing, m.Variant, m.BackingFormat = path, f.names()[0], strings.TrimPrefix(filepath.Ext(path), ".")
	if m.BackingFormat != "qcow2" && m.BackingFormat != "raw" {
		return m, cli.Usage(filepath.Base(path)+" is neither .qcow2 nor .raw", "qemu-img convert -O qcow2 "+filepath.Base(path)+" "+base+".qcow2")
	}
	if _, err := qemuimg.Inspect(ctx, path, m.BackingFormat); err != nil {
		return m, err
	}
	known, err := manifest.ReadFile(filepath.Join(filepath.Dir(path), manifest.FileName))
	if err == nil {
		if err := layout.CheckImage(known.Variant, known.System.Architecture); err != nil {
			return m, fmt.Errorf("the manifest beside %s: %w", filepath.Base(path), err)
		}
		m.Variant, m.Date, m.DOI = layout.VariantName(known.Variant, known.System.Architecture), known.GOlr.Date, known.GOlr.DOI
		m.Tested = known.BootTest.MemoryMiB
	}
	if m.Data = f.data; m.Data == "" && known.Variant != manifest.DataVariant && known.GOlr.On == manifest.OnData {
		if m.Data, err = besideFile(path, known.GOlr); err != nil {
			return m, err
		}
	}
	if m.Data == "" {
		return m, nil
	}
	if m.Data, err = filepath.Abs(m.Data); err != nil {
		return m, err
	}
	m.DataFormat = strings.TrimPrefix(filepath.Ext(m.Data), ".")
	_, err = qemuimg.Inspect(ctx, m.Data, m.DataFormat)
	return m, err
}

// besideFile finds the disk with the data that an image was tested with, as a build has left
// it: it is in the directory beside.
func besideFile(path string, tested manifest.GOlr) (string, error) {
	dir := filepath.Join(filepath.Dir(filepath.Dir(path)), manifest.DataVariant)
	m, err := manifest.ReadFile(filepath.Join(dir, manifest.FileName))
	where := "it is not in " + dir
	if err == nil && m.Variant == manifest.DataVariant {
		if m.GOlr.Equal(tested) && m.GOlr.Schema == tested.Schema {
			disk, err := m.Disk()
			return filepath.Join(dir, disk.Name), err
		}
		where = "those in " + dir + " are others"
	}
	return "", &fault.Error{
		What: "the data of " + filepath.Base(path) + " are on a disk of their own", Where: where, Code: fault.NotFound,
		Try: "amigo-image run " + path + " --data FILE", Err: err,
	}
}

func holdMachine(ctx context.Context, store imagestore.Store, m imagestore.Machine) (*imagestore.Held, error) {
	if m.Dir != "" { // it was kept
		return store.Hold(ctx, m.Name)
	}
	return store.Create(ctx, m)
}
