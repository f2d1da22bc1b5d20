package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/packerbuilderdata"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepMakeBase makes or takes the base and puts the guest's overlay on it.
type stepMakeBase struct{ *build }

func (s *stepMakeBase) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	var err error
	if s.config.Bootstrap != nil {
		s.base, err = s.bootstrap(ctx)
	} else {
		s.base, err = s.image(ctx, state.Get(stateImage).(string))
	}
	if err == nil {
		err = s.makeFurther(ctx)
	}
	if err != nil {
		return fail(state, err)
	}
	data := packerbuilderdata.GeneratedData{State: state}
	data.Put(component.DataRootFS, s.base.RootFS)
	data.Put(component.DataBeside, s.beside())
	return multistep.ActionContinue
}

func (s *stepMakeBase) bootstrap(ctx context.Context) (base, error) {
	phase := event.Start(s.sink, "base", strings.Join([]string{s.config.Bootstrap.Distribution, s.config.Bootstrap.Release, s.config.Architecture}, " "))
	made := base{Kind: "bootstrap", Distribution: s.config.Bootstrap.Distribution, Release: s.config.Bootstrap.Release, Architecture: s.config.Architecture}
	plan, err := s.packages(ctx)
	if err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	made.Digest = plan.Key()
	rootfs, _, err := bootstrap.RootFS(ctx, s.cache, plan, phase)
	if err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	if made.RootFS, err = s.workshop(ctx, plan, rootfs, phase); err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	var cached bool
	if made.Path, cached, err = bootstrap.Disk(ctx, s.cache, plan, rootfs, phase); err == nil {
		err = qemuimg.Overlay(ctx, made.Path, "qcow2", s.overlay())
	}
	status := event.OK
	if cached {
		status = event.Cached
	}
	text := fmt.Sprintf("%s %s %s, %d packages", plan.Spec.Distribution, plan.Spec.Release, plan.Spec.Architecture, len(plan.Packages))
	return made, phase.End(status, text, err)
}

// workshop returns a root file system in which this host works at its full speed: the
// guest's own, or one like it for this host's processor. What AmiGO's build makes is the
// same on both.
func (s *stepMakeBase) workshop(ctx context.Context, plan bootstrap.Resolution, rootfs string, phase *event.Phase) (string, error) {
	if plan.Spec.Architecture == arch.Own().Name {
		return rootfs, nil
	}
	if !slices.Contains(plan.Spec.Needs, distro.AmiGO) {
		return "", nil // it lacks what builds AmiGO, too
	}
	native := plan.Spec
	native.Architecture, native.Packages = arch.Own().Name, nil
	phase.Say("AmiGO is built in a root file system for " + native.Architecture)
	like, err := bootstrap.Resolve(ctx, s.cache, native)
	if err != nil {
		return "", err
	}
	path, _, err := bootstrap.RootFS(ctx, s.cache, like, phase)
	return path, err
}

// packages returns the versions that the archive had when it was asked whether
// there is anything to build, or asks it.
func (s *stepMakeBase) packages(ctx context.Context) (bootstrap.Resolution, error) {
	if s.plan != nil {
		return *s.plan, nil
	}
	return bootstrap.Resolve(ctx, s.cache, s.config.spec())
}

func (s *stepMakeBase) image(ctx context.Context, path string) (base, error) {
	phase := event.Start(s.sink, "base", path)
	made := base{Kind: "disk_image", Architecture: s.config.Architecture, Path: path}
	info, err := qemuimg.Inspect(ctx, path, "")
	if err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	progress := func(done, total int64) { phase.Progress(done, total, event.Bytes) }
	if _, made.Digest, err = manifest.DigestFile(path, progress); err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	if err = qemuimg.Overlay(ctx, path, info.Format, s.overlay()); err != nil {
		return made, phase.End(event.Failed, "", err)
	}
	if s.config.diskSize > info.VirtualSize {
		err = qemuimg.Resize(ctx, s.overlay(), s.config.diskSize)
	}
	return made, phase.End(event.OK, info.Format+" image", err)
}

// makeFurther makes the disks that are empty.
func (s *stepMakeBase) makeFurther(ctx context.Context) error {
	for i, disk := range s.disks()[1:] {
		size, err := parseSize(s.config.DiskAdditionalSize[i])
		if err == nil {
			err = qemuimg.Create(ctx, disk.work, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// describe returns the base as JSON, for the manifest.
func (b base) describe() string {
	content, err := json.Marshal(b)
	if err != nil {
		return "{}"
	}
	return string(content)
}

func (s *stepMakeBase) Cleanup(multistep.StateBag) {}
