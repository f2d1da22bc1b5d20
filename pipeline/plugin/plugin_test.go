package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/version"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin/plugintest"
)

// TestMain makes the test's own program a plugin, if it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "describe" || os.Args[1] == "start") {
		set := sdk.NewSet()
		set.SetVersion(version.NewPluginVersion(testVersion(), "", ""))
		set.RegisterBuilder("null", &testBuilder{})
		set.RegisterProvisioner(sdk.DEFAULT_NAME, &testProvisioner{})
		set.RegisterPostProcessor("tag", &testPostProcessor{})
		set.RegisterDatasource("words", &testDataSource{})
		if err := set.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// testVersion is the version of the plugin: that of its file's name.
func testVersion() string {
	if parts := fileName.FindStringSubmatch(filepath.Base(os.Args[0])); parts != nil {
		return parts[2]
	}
	if released := os.Getenv(plugintest.VersionVariable); released != "" {
		return released
	}
	return "1.2.3"
}

// arguments are a component's arguments, by name.
type arguments map[string]cty.Value

func (a *arguments) ConfigSpec() hcldec.ObjectSpec {
	spec := hcldec.ObjectSpec{}
	for _, name := range []string{"text", "fault"} {
		spec[name] = &hcldec.AttrSpec{Name: name, Type: cty.String}
	}
	return spec
}

func (a *arguments) read(raws []any) error {
	for _, raw := range raws {
		if v, ok := raw.(cty.Value); ok {
			*a = v.AsValueMap()
		}
	}
	return a.misbehave("prepare")
}

func (a *arguments) get(name string) string {
	if v, ok := (*a)[name]; ok && !v.IsNull() {
		return v.AsString()
	}
	return ""
}

// misbehave does what the argument fault asks for at a point, such as "panic run".
func (a *arguments) misbehave(at string) error {
	what, where, _ := strings.Cut(a.get("fault"), " ")
	if where != at {
		return nil
	}
	switch what {
	case "panic":
		panic("the plugin is at its end")
	case "exit":
		fmt.Fprintln(os.Stderr, "these are the last words")
		os.Exit(3)
	case "hang":
		select {}
	case "fail":
		return errors.New("it does not want to")
	}
	return nil
}

type testBuilder struct{ arguments }

func (b *testBuilder) Prepare(raws ...any) ([]string, []string, error) {
	return []string{"Word"}, []string{"be warned"}, b.read(raws)
}

func (b *testBuilder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	if err := b.misbehave("run"); err != nil {
		return nil, err
	}
	ui.Say("building " + b.get("text"))
	if b.get("fault") == "flood run" {
		ui.Say(strings.Repeat("x", flood))
		ui.Machine("flood", strings.Repeat("y", flood))
	}
	if b.get("fault") == "wait run" {
		<-ctx.Done()
		ui.Say("cleaned up")
		return nil, ctx.Err()
	}
	data := map[string]any{"Word": "hello"}
	if err := hook.Run(ctx, packersdk.HookProvision, ui, new(packersdk.MockCommunicator), data); err != nil {
		return nil, err
	}
	return &packersdk.MockArtifact{IdValue: b.get("text"), FilesValue: []string{}, StateValues: map[string]any{"generated_data": data}}, nil
}

type testProvisioner struct{ arguments }

func (p *testProvisioner) Prepare(raws ...any) error { return p.read(raws) }

func (p *testProvisioner) Provision(_ context.Context, ui packersdk.Ui, comm packersdk.Communicator, _ map[string]any) error {
	ui.Say("provisioning " + p.get("text"))
	if err := comm.Upload("/there", strings.NewReader("content"), nil); err != nil {
		return err
	}
	return p.misbehave("provision")
}

type testPostProcessor struct{ arguments }

func (p *testPostProcessor) Configure(raws ...any) error { return p.read(raws) }

func (p *testPostProcessor) PostProcess(_ context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	ui.Say("tagging " + input.Id())
	return &packersdk.MockArtifact{IdValue: input.Id() + "+" + p.get("text"), FilesValue: []string{}}, true, false, p.misbehave("post-process")
}

type testDataSource struct{ arguments }

func (d *testDataSource) OutputSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{"word": &hcldec.AttrSpec{Name: "word", Type: cty.String}}
}

func (d *testDataSource) Configure(raws ...any) error { return d.read(raws) }

func (d *testDataSource) Execute() (cty.Value, error) {
	return cty.ObjectVal(map[string]cty.Value{"word": cty.StringVal(d.get("text"))}), d.misbehave("execute")
}

// installed installs the test's program as the plugin tester, and returns it.
func installed(t *testing.T) Plugin {
	t.Helper()
	p, err := Install(t.Context(), t.TempDir(), os.Args[0], "example.org/tests/tester")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestInstalled: what was installed is found again, the newest version first; what can't
// be used comes with the reason.
func TestInstalled(t *testing.T) {
	dir := t.TempDir()
	p, err := Install(t.Context(), dir, os.Args[0], "example.org/tests/tester")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, sum string) string {
		at := filepath.Join(filepath.Dir(p.Path), name+"_"+runtime.GOOS+"_"+runtime.GOARCH)
		if err := errors.Join(executable.Write(at, content), os.WriteFile(at+sumSuffix, []byte(sum), 0o644)); err != nil {
			t.Fatal(err)
		}
		return at
	}
	good, err := digest(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	put("packer-plugin-tester_v1.10.0_x5.0", good)
	put("packer-plugin-tester_v1.10.0-dev_x5.0", good)
	want := map[string]string{
		put("packer-plugin-tester_v1.11.0_x5.0", strings.Repeat("0", 64)): "it is not what its checksum says",
		put("packer-plugin-tester_v001.0.0_x5.0", good):                   `"001.0.0" is not a version such as 1.2.3`,
		put("packer-plugin-tester_v2.0.0_x5.1", good):                     "it says that its protocol is x5.0",
		put("packer-plugin-tester_v2.0.0+a_x5.0", good):                   `the version "2.0.0+a" has metadata, which the name of a file must not have`,
	}
	found, ignored, err := Installed(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, p := range found {
		versions = append(versions, p.String())
	}
	if diff := cmp.Diff([]string{"example.org/tests/tester 1.10.0", "example.org/tests/tester 1.10.0-dev", "example.org/tests/tester 1.2.3"}, versions); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, i := range ignored {
		got[i.Path] = i.Why.Error()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	if found, ignored, err := Installed(t.Context(), filepath.Join(dir, "none"), nil); err != nil || len(found)+len(ignored) > 0 {
		t.Errorf("%v, %v, %v", found, ignored, err)
	}
}

// sink keeps the lines of a run.
type sink struct {
	mu    sync.Mutex
	lines []string
}

func (s *sink) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Type == event.Message {
		s.lines = append(s.lines, e.Text)
	}
}

func (s *sink) has(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.lines, line)
}

// plan plans a template whose components are the plugin's.
func plan(t *testing.T, p Plugin, text string) (*pipeline.Plan, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "t.pkr.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := pipeline.Parse(file, pipeline.Input{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(t.Context(), p.Registry("tester", nil), pipeline.Options{})
	if err == nil {
		t.Cleanup(plan.Close)
	}
	return plan, err
}

const whole = `
source "tester-null" "a" {
  text = "a"
}
build {
  sources = ["tester-null.a"]
  provisioner "tester" {
    text = "b ${build.Word}"
  }
  post-processors {
    post-processor "tester-tag" {
      text = "c"
    }
    post-processor "tester-tag" {
      text = "d ${build.Word}"
    }
  }
}
`

// TestRun runs a template with a plugin's components alone, and leaves no process.
func TestRun(t *testing.T) {
	p := installed(t)
	plan, err := plan(t, p, whole)
	if err != nil {
		t.Fatal(err)
	}
	var s sink
	results, err := plan.Run(t.Context(), pipeline.RunOptions{Sink: &s})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range results[0].Artifacts {
		ids = append(ids, a.ID)
	}
	if diff := cmp.Diff([]string{"a", "a+c", "a+c+d hello"}, ids); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"building a", "provisioning b hello", "tagging a", "tagging a+c"}, s.lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	plan.Close()
	noneRuns(t, p)
}

// noneRuns checks that no process of the plugin is left.
func noneRuns(t *testing.T, p Plugin) {
	t.Helper()
	programs, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil || len(programs) == 0 {
		t.Fatalf("%v", err)
	}
	for _, program := range programs {
		if at, _ := os.Readlink(program); at == p.Path {
			t.Errorf("%s still runs", program)
		}
	}
}

// TestFaults: a plugin that fails, dies or panics in each of its phases is one error that
// says so, and leaves no process.
func TestFaults(t *testing.T) {
	p := installed(t)
	for _, c := range []struct{ component, fault, want string }{
		{"null", "fail prepare", "it does not want to"},
		{"null", "panic prepare", "died while preparing: panic: the plugin is at its end"},
		{"null", "exit prepare", "died while preparing: these are the last words"},
		{"null", "fail run", "it does not want to"},
		{"null", "panic run", "died while building: panic: the plugin is at its end"},
		{"null", "exit run", "died while building: these are the last words"},
		{"tester", "panic prepare", "died while preparing: panic: the plugin is at its end"},
		{"tester", "fail provision", "it does not want to"},
		{"tester", "exit provision", "died while provisioning: these are the last words"},
		{"tag", "panic prepare", "died while preparing: panic: the plugin is at its end"},
		{"tag", "exit post-process", "died while post-processing: these are the last words"},
	} {
		t.Run(c.component+" "+c.fault, func(t *testing.T) {
			text := map[string]string{"null": `"a"`, "tester": `"b ${build.Word}"`, "tag": `"c"`}[c.component]
			plan, err := plan(t, p, strings.Replace(whole, "text = "+text, "text = "+text+"\nfault = \""+c.fault+"\"", 1))
			if err == nil {
				_, err = plan.Run(t.Context(), pipeline.RunOptions{})
				plan.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			noneRuns(t, p)
		})
	}
}

// TestCancel: a builder that is cancelled cleans up before it ends.
func TestCancel(t *testing.T) {
	p := installed(t)
	plan, err := plan(t, p, strings.Replace(whole, `text = "a"`, "text = \"a\"\nfault = \"wait run\"", 1))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var s sink
	go func() {
		for !s.has("building a") {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := plan.Run(ctx, pipeline.RunOptions{Sink: &s}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if !s.has("cleaned up") {
		t.Errorf("it was not let clean up: %q", s.lines)
	}
	plan.Close()
	noneRuns(t, p)
}

// flood is how many bytes a plugin says at once.
const flood = 64 << 20

// TestFlood: a plugin that says more than anybody reads is heard to its end.
func TestFlood(t *testing.T) {
	p := installed(t)
	plan, err := plan(t, p, strings.Replace(whole, `text = "a"`, "text = \"a\"\nfault = \"flood run\"", 1))
	if err != nil {
		t.Fatal(err)
	}
	var s sink
	if _, err := plan.Run(t.Context(), pipeline.RunOptions{Sink: &s}); err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(s.lines, func(line string) bool { return len(line) == flood }) {
		t.Errorf("what it said did not come")
	}
	plan.Close()
	noneRuns(t, p)
}

// TestHang: a plugin that never answers while it is prepared ends with the command.
func TestHang(t *testing.T) {
	p := installed(t)
	file := filepath.Join(t.TempDir(), "t.pkr.hcl")
	if err := os.WriteFile(file, []byte(strings.Replace(whole, `text = "a"`, "text = \"a\"\nfault = \"hang prepare\"", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := pipeline.Parse(file, pipeline.Input{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := template.Plan(ctx, p.Registry("tester", nil), pipeline.Options{}); err == nil {
		t.Error("it was planned")
	}
	noneRuns(t, p)
}

// TestDataSource reads a data source, in both forms of the protocol.
func TestDataSource(t *testing.T) {
	p := installed(t)
	for _, protocol := range []string{sdk.ProtocolVersion2, ""} {
		p.ProtocolVersion = protocol
		create := p.Registry("zz", nil).DataSources["zz-words"]
		d, err := create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Configure(cty.ObjectVal(map[string]cty.Value{"text": cty.StringVal("word"), "fault": cty.NullVal(cty.String)})); err != nil {
			t.Fatal(err)
		}
		got, err := d.Execute()
		if err != nil || !got.RawEquals(cty.ObjectVal(map[string]cty.Value{"word": cty.StringVal("word")})) {
			t.Errorf("%q: %#v, %v", protocol, got, err)
		}
		if _, ok := d.OutputSpec()["word"].(*hcldec.AttrSpec); !ok {
			t.Errorf("%q: %v", protocol, d.OutputSpec())
		}
		if err := d.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
	}
	noneRuns(t, p)
}

// TestStrangers: programs that are not plugins are told from plugins in bounded time.
func TestStrangers(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"ends":    {"exit 0", "it ended before it said where it listens"},
		"words":   {"echo Hello World; sleep 60", `it began with "Hello World", which no plugin says`},
		"garbage": {"head -c 100000 /dev/zero; sleep 60", "which no plugin says"},
		"old":     {"echo '1|tcp|127.0.0.1:1'; sleep 60", "which no plugin says"},
		"new":     {"echo '6|0|unix|/x'; sleep 60", "its protocol is x6.0, and x5.0 is spoken here"},
		"outside": {"echo '5|0|tcp|192.0.2.1:80'; sleep 60", "not on this computer alone"},
		"nowhere": {"echo '5|0|unix|/nowhere'; sleep 60", "dialling it"},
		"last":    {"echo 'no memory' >&2; exit 1", "no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "stranger")
			if err := executable.Write(at, []byte("#!/bin/sh\n"+c.script+"\n")); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			_, err := start(t.Context(), Plugin{Name: "stranger", Path: at}, builderKind, "null", func(line string) { log.WriteString(line) })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add("5|0|unix|/tmp/packer-plugin1\n")
	f.Add("5|0|tcp|127.0.0.1:10000\n")
	f.Fuzz(func(t *testing.T, line string) {
		network, address, err := parseHandshake(line)
		if err == nil && network != "unix" && !strings.HasPrefix(address, "127.") && !strings.Contains(address, "::1") {
			t.Errorf("%q leads to %s %s", line, network, address)
		}
	})
}

func TestCheckSource(t *testing.T) {
	for source, want := range map[string]string{
		"github.com/hashicorp/qemu":               "",
		"example.org/a/b/c":                       "",
		"hashicorp/qemu":                          "is not the source",
		"https://github.com/hashicorp/qemu":       "is not the source",
		"github.com/../../etc":                    "is not the source",
		"github.com/hashicorp/Qemu":               "is not the name of a plugin",
		"github.com/hashicorp/qemu_kvm":           "is not the name of a plugin",
		"github.com/hashicorp/packer-plugin-qemu": "github.com/hashicorp/qemu",
	} {
		err := CheckSource(source)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}
