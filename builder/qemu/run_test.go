package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/image/seal"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// rig builds from a disk of a few instructions, with a fake of the guest's
// system.
type rig struct {
	*fakeGuest
	t      *testing.T
	disk   string
	parent string // of the output directory
	config map[string]any
	// provision is what the provisioners do.
	provision func(ctx context.Context, comm packersdk.Communicator, data map[string]any) error
	shown     bytes.Buffer
}

func newRig(t *testing.T, guest qemutest.BootSector) *rig {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PACKER_CACHE_DIR", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	r := &rig{fakeGuest: newGuest(t), t: t, disk: qemutest.Disk(t, guest), parent: t.TempDir()}
	r.config = map[string]any{
		"disk_image": map[string]any{"url": r.disk, "checksum": "none"}, "disk_size": "4M", "memory": 256, "cpus": 1,
		"accelerators": []string{"tcg"}, "output_directory": r.output(), "shutdown_timeout": "1m",
		"ssh_password": password, "ssh_proxy_host": "127.0.0.1", "ssh_proxy_port": r.port(),
	}
	r.provision = func(context.Context, packersdk.Communicator, map[string]any) error { return nil }
	return r
}

func (r *rig) output() string { return filepath.Join(r.parent, "out") }

// Run is the hook that Packer runs provisioners by.
func (r *rig) Run(ctx context.Context, name string, _ packersdk.Ui, comm packersdk.Communicator, data any) error {
	if name != packersdk.HookProvision {
		return nil
	}
	for ctx.Err() == nil && !r.booted() {
		time.Sleep(10 * time.Millisecond)
	}
	return r.provision(ctx, comm, data.(map[string]any))
}

// booted tells whether the machine has got beyond its firmware: before that it
// does not know its power button.
func (r *rig) booted() bool {
	consoles, _ := filepath.Glob(r.output() + ".partial-*/console.log")
	for _, path := range consoles {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

func (r *rig) build(ctx context.Context) (packersdk.Artifact, error) {
	r.t.Helper()
	b, err := prepare(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	ui := &packersdk.BasicUi{Writer: &r.shown, ErrorWriter: &r.shown, PB: &packersdk.NoopProgressTracker{}}
	return b.Run(ctx, ui, r)
}

// left returns what a build left, by its path beside the output directory.
func (r *rig) left() []string {
	r.t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(r.parent), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

// leaves fails the test unless a build has left exactly these files.
func (r *rig) leaves(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.left()); diff != "" {
		r.t.Errorf("files (-want +got):\n%s\n%s", diff, &r.shown)
	}
}

// TestBuild: a build provisions, seals and shuts down a real machine, and
// leaves one disk without its base.
func TestBuild(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	var given map[string]any
	r.provision = func(ctx context.Context, comm packersdk.Communicator, data map[string]any) error {
		given = maps.Clone(data)
		return comm.Start(ctx, &packersdk.RemoteCmd{Command: "install-everything"})
	}
	artifact, err := r.build(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &r.shown)
	}
	disk := filepath.Join(r.output(), "amigo.qcow2")
	r.leaves("out/"+outdir.Marker, "out/amigo.qcow2")
	info, err := qemuimg.Inspect(t.Context(), disk, "qcow2")
	if err != nil || info.VirtualSize != 4<<20 {
		t.Errorf("%+v, %v", info, err)
	}
	if err := qemuimg.Compare(t.Context(), r.disk, "qcow2", disk, "qcow2"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"install-everything", "sh -eu /run/amigo-seal"}, r.said()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if r.uploads["/run/amigo-seal"] != seal.Script() {
		t.Errorf("what seals the guest is %q", r.uploads)
	}
	if given[component.DataAccelerator] != "tcg" || given[component.DataRootFS] != "" || given["Password"] != password {
		t.Errorf("provisioners got %v", given)
	}
	describes(t, artifact, disk)
	if err := artifact.Destroy(); err != nil {
		t.Error(err)
	}
	r.leaves()
}

// describes fails the test unless an artifact is the disk that was built.
func describes(t *testing.T, artifact packersdk.Artifact, disk string) {
	t.Helper()
	if artifact.BuilderId() != BuilderID || artifact.Id() != disk || artifact.String() != "sealed disk: "+disk {
		t.Errorf("the artifact is %s %s: %s", artifact.BuilderId(), artifact.Id(), artifact)
	}
	if diff := cmp.Diff([]string{disk}, artifact.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for key, want := range map[string]any{
		component.StateDisk: disk, component.StateAccelerator: "tcg", component.StateCPUs: "1", component.StateMemory: "256",
		"diskName": "amigo.qcow2", "diskSize": "4M",
	} {
		if got := artifact.State(key); got != want {
			t.Errorf("%s is %v", key, got)
		}
	}
	if base := fmt.Sprint(artifact.State(component.StateBase)); !strings.HasPrefix(base, `{"kind":"disk_image","architecture":"amd64","digest":"`) {
		t.Errorf("the base is %s", base)
	}
	if data := artifact.State("generated_data").(map[string]any); data["Password"] != nil || data["User"] != "root" {
		t.Errorf("later components get %v", data)
	}
}

// TestKeepArtifact: a disk that is to be kept survives its artifact.
func TestKeepArtifact(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	r.config["keep_artifact"], r.config["ssh_username"] = true, "debian"
	artifact, err := r.build(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &r.shown)
	}
	if err := artifact.Destroy(); err != nil {
		t.Error(err)
	}
	r.leaves("out/"+outdir.Marker, "out/amigo.qcow2")
	if diff := cmp.Diff([]string{"sudo -n sh -eu /run/amigo-seal"}, r.said()); diff != "" {
		t.Errorf("a user who is not root (-want +got):\n%s", diff)
	}
}

// TestFailedBuilds: a build that fails says why, leaves no disk, and keeps what
// was seen of the machine, if there was one.
func TestFailedBuilds(t *testing.T) {
	evidence := []string{"out.evidence/console.log", "out.evidence/disk0.txt", "out.evidence/qemu.txt", "out.evidence/screen.png"}
	refused := errors.New("npm is out of order")
	for name, c := range map[string]struct {
		guest qemutest.BootSector
		with  func(*rig)
		want  string
		left  []string
	}{
		"a provisioner fails": {qemutest.Patient, func(r *rig) {
			r.provision = func(context.Context, packersdk.Communicator, map[string]any) error { return refused }
		}, "npm is out of order", evidence},
		"the guest can't be sealed": {qemutest.Patient, func(r *rig) {
			r.answer = func(string) (string, uint32) { return "rm: /tmp: read-only\n", 1 }
		}, "sealing the guest: rm: /tmp: read-only", evidence},
		"the guest does not shut down": {qemutest.Deaf, func(r *rig) {
			r.config["shutdown_timeout"] = "100ms"
		}, "the guest did not shut down: the power button: no answer within 100ms; systemctl poweroff: no answer within 100ms", evidence},
		"the guest shuts down while it boots": {qemutest.Brief, func(r *rig) {
			delete(r.config, "ssh_password")
		}, "the virtual machine has shut down", evidence[:3]},
		"there is no such image": {qemutest.Brief, func(r *rig) {
			r.config["disk_image"] = map[string]any{"url": r.disk + ".gz", "checksum": "none"}
		}, "disk.qcow2.gz", nil},
		"there is no such program": {qemutest.Brief, func(r *rig) {
			r.config["qemu_binary"] = "qemu-system-none"
		}, "qemu-system-none is not installed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.guest)
			c.with(r)
			artifact, err := r.build(t.Context())
			if artifact != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v", artifact, err)
			}
			r.leaves(c.left...)
		})
	}
}

// TestShutdown: the guest's own command comes first, and who wants the disk of a guest
// that does not obey gets it, and a warning.
func TestShutdown(t *testing.T) {
	for name, c := range map[string]struct {
		guest qemutest.BootSector
		with  map[string]any
		said  string // the last that was said to the guest
		shown string
	}{
		"a command that fails": {qemutest.Patient, map[string]any{"shutdown_command": "halt"}, "halt", "shutdown: ok the power button"},
		"a guest that is deaf": {qemutest.Deaf, map[string]any{"shutdown_timeout": "50ms", "allow_unclean_shutdown": true},
			"systemctl poweroff --no-block", "warning: the guest did not shut down: the power button"},
	} {
		r := newRig(t, c.guest)
		maps.Copy(r.config, c.with)
		r.answer = func(command string) (string, uint32) {
			if strings.TrimSpace(command) == "halt" {
				return "not here\n", 1
			}
			return "", 0
		}
		if _, err := r.build(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := r.said(); said[len(said)-1] != c.said || !strings.Contains(r.shown.String(), c.shown) {
			t.Errorf("%s: %q, %s", name, said, &r.shown)
		}
	}
}

// TestKeepOnFailure: a guest can be looked into after a provisioner has failed, until somebody
// stops the build.
func TestKeepOnFailure(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	r.config["keep_on_failure"] = true
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r.provision = func(context.Context, packersdk.Communicator, map[string]any) error {
		time.AfterFunc(time.Second, stop)
		return errors.New("npm is out of order")
	}
	if _, err := r.build(ctx); err == nil {
		t.Error("it did not fail")
	}
	for _, want := range []string{"a provisioner failed: npm is out of order", "the guest is still on: ssh -p ", "root@127.0.0.1", "press Ctrl-C"} {
		if !strings.Contains(r.shown.String(), want) {
			t.Errorf("no %q in %s", want, &r.shown)
		}
	}
	r.leaves()
}

// TestStoppedBuild: who ends a build by hand gets no disk and no evidence.
func TestStoppedBuild(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	ctx, stop := context.WithCancel(t.Context())
	r.provision = func(ctx context.Context, _ packersdk.Communicator, _ map[string]any) error {
		stop()
		<-ctx.Done()
		return ctx.Err()
	}
	if _, err := r.build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.leaves()
}

// TestOutputOfOthers: what is not ours is refused before a machine starts, and
// stays.
func TestOutputOfOthers(t *testing.T) {
	r := newRig(t, qemutest.Brief)
	if err := errors.Join(os.Mkdir(r.output(), 0o755), os.WriteFile(filepath.Join(r.output(), "thesis"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.build(t.Context()); !errors.As(err, new(*outdir.NotOursError)) {
		t.Errorf("got %v", err)
	}
	r.leaves("out/thesis")
}

// TestRequireAcceleration: who does not want to emulate gets an error of the
// host, and no machine.
func TestRequireAcceleration(t *testing.T) {
	r := newRig(t, qemutest.Brief)
	r.config["require_acceleration"] = true
	_, err := r.build(t.Context())
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Host || !strings.HasPrefix(f.What, "require_acceleration: ") {
		t.Errorf("got %v", err)
	}
	r.leaves()
}

// TestArchiveThatIsAway: a base of packages needs their archive, and so does
// knowing what a build would make.
func TestArchiveThatIsAway(t *testing.T) {
	dir := t.TempDir()
	const sources = "deb http://127.0.0.1:1/debian trixie main\ndeb http://127.0.0.1:1/debian-security trixie-security main\n"
	settings := fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\nAcquire::Retries \"0\";\n", dir+"/sources.list")
	err := errors.Join(os.WriteFile(dir+"/sources.list", []byte(sources), 0o644), os.WriteFile(dir+"/apt.conf", []byte(settings), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", dir+"/apt.conf")
	r := newRig(t, qemutest.Brief)
	delete(r.config, "disk_image")
	r.config["bootstrap"], r.config["disk_size"] = map[string]any{}, "4G"
	_, err = r.build(t.Context())
	if away := new(bootstrap.UnreachableError); !errors.As(err, &away) || away.Release != "trixie" {
		t.Errorf("got %v", err)
	}
	r.leaves()
	b, err := prepare(r.config)
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := foresee(t, b); !errors.As(err, new(*bootstrap.UnreachableError)) || sum != "" {
		t.Errorf("the fingerprint is %q, %v", sum, err)
	}
}

// TestDeathEndsTheBuild: a machine that dies while something else is waited for
// ends the wait, and is the reason.
func TestDeathEndsTheBuild(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	kill := filepath.Join(t.TempDir(), "kill")
	binary := filepath.Join(t.TempDir(), "qemu")
	script := "#!/bin/sh\nqemu-system-x86_64 \"$@\" &\nwhile kill -0 $! && ! [ -e " + kill + " ]; do sleep 0.1; done\nkill -9 $!\nwait $!\n"
	if err := executable.Write(binary, []byte(script)); err != nil {
		t.Fatal(err)
	}
	r.config["qemu_binary"] = binary
	r.provision = func(ctx context.Context, _ packersdk.Communicator, _ map[string]any) error {
		if err := os.WriteFile(kill, nil, 0o644); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the connection is lost")
		case <-time.After(time.Minute):
			return errors.New("nobody noticed")
		}
	}
	_, err := r.build(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "the virtual machine died: ") {
		t.Errorf("got %v", err)
	}
	r.leaves("out.evidence/console.log", "out.evidence/disk0.txt", "out.evidence/qemu.txt")
}
