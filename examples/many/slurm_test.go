//go:build vm && long

package many

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// Two nodes on this host, each with room for one build.
const slurmConf = `
ClusterName=many
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=%[3]d
SlurmUser=%[2]s
SlurmdUser=%[2]s
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.socket
CredType=cred/munge
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool-%%n
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/%%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
MinJobAge=86400
ReturnToService=2
NodeName=one NodeHostname=%[4]s NodeAddr=127.0.0.1 Port=%[5]d CPUs=2 RealMemory=4096
NodeName=two NodeHostname=%[4]s NodeAddr=127.0.0.1 Port=%[6]d CPUs=2 RealMemory=4096
PartitionName=all Nodes=ALL Default=YES State=UP
`

// One build boots a machine; one fails, unless it is given a file. Two leave images.
const matrix = `
variable "missing" { default = "missing" }
variable "memory" { default = 1024 }
source "file" "f" {}
source "null" "images" { communicator = "none" }
source "amigo-qemu" "small" {
  bootstrap { packages = ["apache2"] }
  disk_size        = "2G"
  memory           = var.memory
  cpus             = 1
  output_directory = "disk"
}
build {
  name = "m[1]*, x"
  source "file.f" {
    name    = "o*"
    content = "o*"
    target  = "made/star"
  }
  source "file.f" {
    name    = "one"
    content = "one"
    target  = "made/one"
  }
  source "file.f" {
    name   = "copy"
    source = var.missing
    target = "made/copy"
  }
}
build {
  source "null.images" { name = "nightly" }
  source "null.images" { name = "stable" }
  provisioner "shell-local" {
    inline = ["mkdir -p output", "cp -r images/${source.name} output/"]
  }
}
build { sources = ["amigo-qemu.small"] }
`

const machineBuild = "amigo-qemu.small"

var builds = []string{machineBuild, "m[1]*, x.file.copy", "m[1]*, x.file.o*", "m[1]*, x.file.one", "null.nightly", "null.stable"}

// TestSlurm runs a matrix on two nodes. A build that fails is one failed task, nothing is
// published, and when it is mended only what is missing is built. A build that Slurm ends
// cleans up.
func TestSlurm(t *testing.T) {
	c := startCluster(t)
	write(t, filepath.Join(c.dir, "t.pkr.hcl"), matrix)
	for _, channel := range []string{"stable", "nightly"} {
		image(t, filepath.Join(c.dir, "images", channel), channel)
	}
	c.output(t, program, "keys", "init", "--channels", "stable,nightly")

	first := c.wait(t, c.submit(t, "t.pkr.hcl"))
	if diff := cmp.Diff(builds, first.builds); diff != "" {
		t.Errorf("builds (-want +got):\n%s", diff)
	}
	for i, name := range first.builds {
		want := "COMPLETED 0:0"
		if name == "m[1]*, x.file.copy" {
			want = "FAILED 11:0" // what is copied is not there
		}
		if got := first.states[fmt.Sprint(i)]; got != want {
			t.Errorf("%s: %s, not %s\n%s", name, got, want, first.log(t, i))
		}
		if log := first.log(t, i); !strings.HasPrefix(log, name+", on ") {
			t.Errorf("the log of %s:\n%s", name, log)
		}
	}
	if got := first.states["publish"]; got != "CANCELLED 0:0" {
		t.Errorf("after a failed build, publish is %s", got)
	}
	if len(first.nodes) != 2 {
		t.Errorf("builds ran on %v", first.nodes)
	}
	c.made(t, "made/one", "made/star", "output/nightly", "output/stable", "disk/small.qcow2")
	if _, err := qemuimg.Inspect(t.Context(), filepath.Join(c.dir, "disk/small.qcow2"), "qcow2"); err != nil {
		t.Error(err)
	}

	second := c.wait(t, c.submit(t, "-var", "missing=t.pkr.hcl", "t.pkr.hcl"))
	if slices.Contains(second.builds, machineBuild) || len(second.builds) != len(builds)-1 {
		t.Errorf("what is built again: %q", second.builds)
	}
	for task, state := range second.states {
		if state != "COMPLETED 0:0" {
			t.Errorf("%s: %s", task, state)
		}
	}
	if len(second.states) != len(second.builds)+1 {
		t.Errorf("jobs: %v", second.states)
	}
	c.made(t, "made/copy")
	published := contentOf(t, filepath.Join(second.dir, "publish.log"))
	for _, channel := range []string{"nightly", "stable"} {
		if !strings.Contains(published, channel+": (empty) -> ") {
			t.Errorf("%s is not published:\n%s", channel, published)
		}
	}

	third := c.submit(t, "-var", "memory=1025", "t.pkr.hcl")
	until(t, "a machine", func() bool { return strings.Contains(third.log(t, 0), "\nboot ") })
	c.output(t, "scancel", third.jobs[0])
	ended := c.wait(t, third)
	if got := ended.states["0"]; third.builds[0] != machineBuild || !strings.HasPrefix(got, "CANCELLED ") {
		t.Errorf("%s is %s\n%s", third.builds[0], got, third.log(t, 0))
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, "*.partial-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v\n%s", left, err, third.log(t, 0))
	}
}

// cluster is Slurm on this host, with a configuration of its own.
type cluster struct {
	dir string // where work is done; Slurm's own things are beside it
	env []string
}

// startCluster starts Slurm. Everything of it has ended when the test has, or that fails.
func startCluster(t *testing.T) cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "many-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary, err := filepath.Abs(filepath.Dir(program))
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{dir: filepath.Join(dir, "work"), env: []string{
		"MANY_TEST=" + dir, "SLURM_CONF=" + dir + "/slurm.conf", "PATH=" + binary + ":" + os.Getenv("PATH") + ":/usr/sbin",
		"AMIGO_IMAGE_KEYS=" + dir + "/keys", "AMIGO_IMAGE_TO=file://" + dir + "/repository",
	}}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	key := make([]byte, 128)
	_, _ = rand.Read(key)
	write(t, filepath.Join(dir, "key"), string(key))
	write(t, filepath.Join(dir, "state/none"), "")
	write(t, filepath.Join(dir, "work/none"), "")
	p := ports(t)
	write(t, filepath.Join(dir, "slurm.conf"), fmt.Sprintf(slurmConf, dir, me.Username, p[0], host, p[1], p[2]))
	if err := os.Chmod(dir, 0o755); err != nil { // munged wants its socket to be within everybody's reach
		t.Fatal(err)
	}
	t.Cleanup(func() { gone(t, dir) })
	c.daemon(t, "munged", "-F", "--socket="+dir+"/munge.socket", "--key-file="+dir+"/key", "--pid-file="+dir+"/munged.pid",
		"--log-file="+dir+"/munged.log", "--seed-file="+dir+"/seed")
	until(t, "munged", func() bool { _, err := os.Stat(dir + "/munge.socket"); return err == nil })
	c.daemon(t, "slurmctld", "-D")
	c.daemon(t, "slurmd", "-D", "-N", "one")
	c.daemon(t, "slurmd", "-D", "-N", "two")
	until(t, "two nodes", func() bool {
		said, err := run(t, command.Cmd{Name: "sinfo", Args: []string{"-h", "-N", "-o", "%N %T"}, Env: c.env})
		return err == nil && said == "one idle\ntwo idle\n"
	})
	t.Cleanup(func() {
		cancel := command.Cmd{Name: "scancel", Args: []string{"--user", me.Username}, Env: c.env}
		if err := command.Run(context.Background(), cancel); err != nil {
			t.Error(err)
		}
		until(t, "an end of all jobs", func() bool {
			said, err := command.Output(context.Background(), command.Cmd{Name: "squeue", Args: []string{"-h"}, Env: c.env})
			return err == nil && len(said) == 0
		})
	})
	return c
}

// ports returns three that are free.
func ports(t *testing.T) [3]int {
	t.Helper()
	var all [3]int
	for i := range all {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		all[i] = l.Addr().(*net.TCPAddr).Port
	}
	return all
}

// daemon starts a program that is ended with the test.
func (c cluster) daemon(t *testing.T, name string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	p, err := command.Start(context.WithoutCancel(t.Context()), command.Cmd{Name: name, Args: args, Env: c.env, Stdout: &said, Stderr: &said})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		err := p.Wait()
		if t.Failed() {
			t.Logf("%s: %v\n%s", name, err, &said)
		}
	})
}

// until waits until something is so, at most ten minutes.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !reached(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is never %s", what)
		}
	}
}

// output runs a program in the cluster's directory and returns what it said.
func (c cluster) output(t *testing.T, name string, args ...string) string {
	t.Helper()
	if path, err := filepath.Abs(name); err == nil && strings.Contains(name, "/") {
		name = path
	}
	said, err := run(t, command.Cmd{Name: name, Args: args, Dir: c.dir, Env: c.env})
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
	return said
}

// submission is a template that was submitted.
type submission struct {
	jobs   []string // the array, and that which publishes
	dir    string   // its list of builds, and logs
	builds []string
}

// outcome is what became of a submission.
type outcome struct {
	submission
	states map[string]string // and exit codes, by the number of a task or "publish"
	nodes  map[string]bool   // on which its builds ran
}

var (
	ids  = regexp.MustCompile(`(?m)^(?:builds|publish): job (\d+)`)
	logs = regexp.MustCompile(`(?m)^logs: (.+)$`)
)

// submit submits a template.
func (c cluster) submit(t *testing.T, args ...string) submission {
	t.Helper()
	said := c.output(t, "slurm/submit", args...)
	found := logs.FindStringSubmatch(said)
	jobs := ids.FindAllStringSubmatch(said, -1)
	if found == nil || len(jobs) != 2 {
		t.Fatalf("submit said:\n%s", said)
	}
	s := submission{jobs: []string{jobs[0][1], jobs[1][1]}, dir: found[1]}
	if err := json.Unmarshal([]byte(contentOf(t, filepath.Join(s.dir, "builds.json"))), &s.builds); err != nil {
		t.Fatal(err)
	}
	return s
}

// wait waits until no job is left, and returns what became of those of s.
func (c cluster) wait(t *testing.T, s submission) outcome {
	t.Helper()
	for c.output(t, "squeue", "-h") != "" {
		time.Sleep(time.Second)
	}
	o := outcome{s, map[string]string{}, map[string]bool{}}
	for line := range strings.Lines(c.output(t, "scontrol", "-o", "show", "job")) {
		job := map[string]string{}
		for _, field := range strings.Fields(line) {
			key, value, _ := strings.Cut(field, "=")
			job[key] = value
		}
		switch state := job["JobState"] + " " + job["ExitCode"]; {
		case job["ArrayJobId"] == s.jobs[0]:
			o.states[job["ArrayTaskId"]] = state
			o.nodes[job["NodeList"]] = true
		case job["JobId"] == s.jobs[1]:
			o.states["publish"] = state
		}
	}
	return o
}

// log returns what a task has said so far.
func (s submission) log(t *testing.T, task int) string {
	t.Helper()
	path := filepath.Join(s.dir, fmt.Sprint(task, ".log"))
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return contentOf(t, path)
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (c cluster) made(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(c.dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// gone fails the test if a process of it still runs.
func gone(t *testing.T, dir string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		// What has ended meanwhile can't be read.
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		if line, _ := os.ReadFile(filepath.Join(process, "cmdline")); bytes.Contains(environment, []byte("MANY_TEST="+dir)) || bytes.Contains(line, []byte(dir+"/")) {
			t.Errorf("still running: %s %q", process, line)
		}
	}
}

// image makes the directory of an image that holds a text.
func image(t *testing.T, dir, text string) {
	t.Helper()
	raw, disk := filepath.Join(dir, "raw"), filepath.Join(dir, "amigo.qcow2")
	write(t, raw, text+strings.Repeat("\x00", 1<<20))
	if said, err := run(t, command.Cmd{Name: "qemu-img", Args: []string{"convert", "-f", "raw", "-O", "qcow2", raw, disk}}); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if err := os.Remove(raw); err != nil {
		t.Fatal(err)
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	info, err := qemuimg.Inspect(t.Context(), disk, "qcow2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = manifest.Write(dir, manifest.Manifest{
		Name: "amigo", Variant: "distribution", Version: text, Created: time.Now().UTC(),
		Files: []manifest.File{{Name: "amigo.qcow2", Role: manifest.Disk, Format: "qcow2", Size: size, VirtualSize: info.VirtualSize, SHA256: digest}},
	}, []manifest.Package{{Name: "perl", Version: "5.36", Architecture: "amd64"}})
	if err != nil {
		t.Fatal(err)
	}
}
