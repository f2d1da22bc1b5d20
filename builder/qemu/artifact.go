package qemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
)

// BuilderID tells post-processors whose artifact they have.
const BuilderID = "geneontology.amigo-qemu"

// artifactFiles are the paths of what a build made.
type artifactFiles []string

// Artifact is a sealed disk.
type Artifact struct {
	files artifactFiles
	state map[string]any
	keep  bool
}

var _ packersdk.Artifact = (*Artifact)(nil)

// artifact describes the finished build. The keys without a prefix are those
// that post-processors for HashiCorp's QEMU builder ask for.
func (b *build) artifact(state multistep.StateBag) *Artifact {
	data, _ := state.Get("generated_data").(map[string]any)
	return &Artifact{files: b.finished, keep: b.config.KeepArtifact, state: map[string]any{
		component.StateDisk:        b.finished[0],
		component.StateAccelerator: string(b.choice.Accelerator),
		component.StateArch:        b.config.Architecture,
		component.StateBase:        b.base.describe(),
		component.StateData:        b.data,
		component.StateCPUs:        strconv.Itoa(b.config.CPUs),
		component.StateMemory:      strconv.Itoa(b.config.Memory),
		"generated_data":           withoutSecrets(data),
		"diskName":                 filepath.Base(b.finished[0]),
		"diskType":                 b.config.Format,
		"diskPaths":                []string(b.finished),
		"diskSize":                 b.config.DiskSize,
		"domainType":               string(b.choice.Accelerator),
	}}
}

// withoutSecrets leaves out what opens a guest.
func withoutSecrets(data map[string]any) map[string]any {
	safe := map[string]any{}
	for name, value := range data {
		switch name {
		case "Password", "SSHPrivateKey", "WinRMPassword":
		default:
			safe[name] = value
		}
	}
	return safe
}

// BuilderId returns [BuilderID].
func (*Artifact) BuilderId() string { return BuilderID }

// Files returns the disk's path.
func (a *Artifact) Files() []string { return a.files }

// Id returns the disk's path.
func (a *Artifact) Id() string { return a.files[0] }

func (a *Artifact) String() string { return fmt.Sprintf("sealed disk: %s", a.files[0]) }

// State returns what is known of the disk, by the keys in package component.
func (a *Artifact) State(name string) any { return a.state[name] }

// saved is an artifact as a later run takes it up.
type saved struct {
	Files artifactFiles  `json:"files"`
	State map[string]any `json:"state"`
}

// Save implements [pipeline.Saver].
func (a *Artifact) Save() ([]byte, error) { return json.Marshal(saved{a.files, a.state}) }

// Restore implements [pipeline.Restorer].
func (b *Builder) Restore(text []byte) (packersdk.Artifact, error) {
	var was saved
	if err := json.Unmarshal(text, &was); err != nil {
		return nil, fmt.Errorf("reading what an earlier build made: %w", err)
	}
	if len(was.Files) == 0 {
		return nil, errors.New("an earlier build made no disk")
	}
	told, _ := was.State[component.StateData].(string)
	if _, err := component.ParseDataDisk(told); err != nil {
		return nil, err
	}
	return &Artifact{files: was.Files, state: was.State, keep: b.config.KeepArtifact}, nil
}

// Destroy removes the disk, unless keep_artifact is set.
func (a *Artifact) Destroy() error {
	if a.keep {
		return nil
	}
	return outdir.Remove(filepath.Dir(a.files[0]))
}
