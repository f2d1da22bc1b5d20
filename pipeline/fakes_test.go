package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	shared "github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// trace is what the components of a test did, in order.
type trace struct {
	mu    sync.Mutex
	lines []string
	tries map[string]int
}

func (t *trace) add(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// attempt counts the attempts of a provisioner by its text.
func (t *trace) attempt(text string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tries == nil {
		t.tries = map[string]int{}
	}
	t.tries[text]++
	return t.tries[text]
}

func (t *trace) Emit(e event.Event) {
	switch e.Type {
	case event.PhaseEnd:
		t.add("  [%s] %s %s", e.Build, e.Phase, e.Status)
	case event.Message, event.Warning:
		t.add("  [%s] %s: %s", e.Build, e.Type, e.Text)
	default:
	}
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n") + "\n"
}

// registry returns small components that note what they do.
func (t *trace) registry() Registry {
	return Registry{
		Builders: map[string]Factory[packersdk.Builder]{
			"null":   Local(func() packersdk.Builder { return &nullBuilder{trace: t} }),
			"asker":  Local(func() packersdk.Builder { return &asker{nullBuilder: nullBuilder{trace: t}} }),
			"keeper": Local(func() packersdk.Builder { return &keeper{nullBuilder{trace: t}} }),
		},
		Provisioners:   map[string]Factory[packersdk.Provisioner]{"note": Local(func() packersdk.Provisioner { return &note{trace: t} })},
		PostProcessors: map[string]Factory[packersdk.PostProcessor]{"tag": Local(func() packersdk.PostProcessor { return &tag{trace: t} })},
		DataSources:    map[string]Factory[packersdk.Datasource]{"echo": Local(func() packersdk.Datasource { return &echo{trace: t} })},
	}
}

// settings are a component's decoded arguments.
type settings struct {
	config cty.Value
	core   map[string]any
	extra  map[string]any
}

func (s *settings) read(raws []any) {
	for _, raw := range raws {
		switch raw := raw.(type) {
		case cty.Value:
			s.config = raw
		case map[string]any:
			if s.core == nil {
				s.core = raw
			} else {
				s.extra = raw
			}
		}
	}
}

func (s *settings) text(name string) string {
	if v, ok := s.extra[name].(string); ok {
		return v
	}
	if v := s.config.GetAttr(name); !v.IsNull() {
		return v.AsString()
	}
	return ""
}

func (s *settings) number(name string) int {
	v := s.config.GetAttr(name)
	if v.IsNull() {
		return 0
	}
	n, _ := v.AsBigFloat().Int64()
	return int(n)
}

func (s *settings) yes(name string) bool {
	v := s.config.GetAttr(name)
	return !v.IsNull() && v.True()
}

func spec(attributes map[string]cty.Type) hcldec.ObjectSpec {
	s := hcldec.ObjectSpec{}
	for name, t := range attributes {
		s[name] = &hcldec.AttrSpec{Name: name, Type: t}
	}
	return s
}

// nullBuilder runs the hook without a machine.
type nullBuilder struct {
	settings
	trace *trace
}

func (b *nullBuilder) ConfigSpec() hcldec.ObjectSpec {
	return spec(map[string]cty.Type{
		"content": cty.String, "fail": cty.String, "invalid": cty.List(cty.String), "panics": cty.Bool, "output": cty.String, "reads": cty.Bool, "waits": cty.Bool,
	})
}

func (b *nullBuilder) Prepare(raws ...any) ([]string, []string, error) {
	b.read(raws)
	if v := b.config.GetAttr("invalid"); !v.IsNull() {
		var errs []error
		for _, e := range v.AsValueSlice() {
			errs = append(errs, errors.New(e.AsString()))
		}
		return nil, nil, errors.Join(errs...)
	}
	return []string{"Disk"}, nil, nil
}

func (b *nullBuilder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	name := fmt.Sprint(b.core["packer_builder_type"], ".", b.core["packer_build_name"])
	b.trace.add("builder %s content=%q force=%v on_error=%q", name, b.text("content"), b.core["packer_force"], b.core["packer_on_error"])
	if b.yes("panics") {
		panic("no legs")
	}
	if b.yes("waits") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	data := map[string]any{"ID": "id-1", "Disk": "/disk.qcow2", "Port": 2222, "SSHPrivateKey": "PRIVATE"}
	comm := new(packersdk.MockCommunicator)
	if err := hook.Run(ctx, packersdk.HookProvision, ui, comm, data); err != nil {
		_ = hook.Run(ctx, packersdk.HookCleanupProvision, ui, comm, data)
		return nil, err
	}
	if fail := b.text("fail"); fail != "" {
		return nil, errors.New(fail)
	}
	return b.artifact(name, data)
}

func (b *nullBuilder) artifact(name string, data map[string]any) (packersdk.Artifact, error) {
	a := &fakeArtifact{trace: b.trace, id: "built:" + name, data: data}
	if path := b.text("output"); path != "" {
		a.files = []string{path}
		err := os.WriteFile(path, []byte(b.text("content")), 0o644)
		if err != nil || !b.yes("reads") {
			return a, err
		}
		return a.asRead(path)
	}
	return a, nil
}

func (b *nullBuilder) Fingerprint(context.Context) (string, error) { return "null", nil }

// asker is a builder that asks what it needs, once for each question.
type asker struct {
	nullBuilder
	answer string
}

func (b *asker) Foresee(context.Context) (packersdk.Builder, string, error) {
	b.trace.add("asked")
	return &asker{nullBuilder: b.nullBuilder, answer: "42"}, "42", nil
}

func (b *asker) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	if b.answer == "" {
		b.trace.add("asked")
		b.answer = "43"
	}
	b.trace.add("built of %s", b.answer)
	return b.nullBuilder.Run(ctx, ui, hook)
}

// note is a provisioner that says a text, and fails as often as it is told.
type note struct {
	settings
	trace *trace
}

func (n *note) ConfigSpec() hcldec.ObjectSpec {
	return spec(map[string]cty.Type{
		"text": cty.String, "failures": cty.Number, "sleep": cty.String, "port": cty.Number, "list": cty.List(cty.String),
	})
}

func (n *note) Prepare(raws ...any) error {
	n.read(raws)
	return nil
}

func (n *note) Provision(ctx context.Context, ui packersdk.Ui, _ packersdk.Communicator, data map[string]any) error {
	text := n.text("text")
	attempt := n.trace.attempt(text)
	n.trace.add("provisioner %q attempt %d port=%d data.ID=%v", text, attempt, n.number("port"), data["ID"])
	ui.Say(text)
	if attempt <= n.number("failures") {
		return fmt.Errorf("failure %d of %q", attempt, text)
	}
	if d, err := time.ParseDuration(n.text("sleep")); err == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
	return nil
}

func (n *note) Fingerprint(context.Context) (string, error) {
	if n.text("text") == "unforeseeable" {
		return "", nil
	}
	return "note", nil
}

// tag is a post-processor that adds its name to the artifact's.
type tag struct {
	settings
	trace *trace
}

func (p *tag) ConfigSpec() hcldec.ObjectSpec {
	return spec(map[string]cty.Type{
		"as": cty.String, "keeps": cty.Bool, "forces": cty.Bool, "fails": cty.Bool, "halts": cty.Bool,
	})
}

func (p *tag) Configure(raws ...any) error {
	p.read(raws)
	return nil
}

func (p *tag) PostProcess(_ context.Context, _ packersdk.Ui, a packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	p.trace.add("post-processor %s of %s", p.text("as"), a.Id())
	if p.yes("fails") {
		return nil, true, true, errors.New("no room")
	}
	if p.yes("halts") {
		return nil, p.yes("keeps"), p.yes("forces"), nil
	}
	out := &fakeArtifact{trace: p.trace, id: a.Id() + "+" + p.text("as"), files: a.Files()}
	return out, p.yes("keeps"), p.yes("forces"), nil
}

func (p *tag) Fingerprint(context.Context) (string, error) { return "tag", nil }

type fakeArtifact struct {
	trace *trace
	id    string
	files []string
	data  map[string]any
	disk  string           // absolute
	read  manifest.Reading // of it
}

// invented is a digest that no file has: who tells it has not read the file.
var invented = strings.Repeat("ab", 32)

// asRead returns the artifact as of who has read its disk at path, and invents
// the digest.
func (a *fakeArtifact) asRead(path string) (packersdk.Artifact, error) {
	read, err := manifest.Read(path, silent)
	if err != nil {
		return nil, err
	}
	read.SHA256 = invented
	a.read = read
	a.disk, err = filepath.Abs(path)
	return a, err
}

func (a *fakeArtifact) BuilderId() string { return "test" }
func (a *fakeArtifact) Files() []string   { return a.files }
func (a *fakeArtifact) Id() string        { return a.id }
func (a *fakeArtifact) String() string    { return a.id }
func (a *fakeArtifact) Destroy() error {
	a.trace.add("destroy %s", a.id)
	return nil
}

func (a *fakeArtifact) State(name string) any {
	switch {
	case name == "generated_data" && a.data != nil:
		return a.data
	case name == shared.StateDisk && a.disk != "":
		return a.disk
	case name == shared.StateReading && a.disk != "":
		return a.read.Text()
	}
	return nil
}

// savedArtifact is what [keeper] remembers.
type savedArtifact struct {
	ID    string
	Files []string
}

// keeper is a builder whose artifact can be taken up.
type keeper struct{ nullBuilder }

func (b *keeper) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	a, err := b.nullBuilder.Run(ctx, ui, hook)
	if err != nil {
		return nil, err
	}
	return &keptArtifact{a.(*fakeArtifact)}, nil //nolint:forcetypeassert // it makes no others
}

func (b *keeper) Restore(text []byte) (packersdk.Artifact, error) {
	var was savedArtifact
	if err := json.Unmarshal(text, &was); err != nil {
		return nil, err
	}
	return &keptArtifact{&fakeArtifact{trace: b.trace, id: was.ID, files: was.Files}}, nil
}

type keptArtifact struct{ *fakeArtifact }

func (a *keptArtifact) Save() ([]byte, error) { return json.Marshal(savedArtifact{a.id, a.files}) }

// echo is a data source that gives what it is told, or something worse.
type echo struct {
	settings
	trace *trace
}

func (e *echo) ConfigSpec() hcldec.ObjectSpec {
	return spec(map[string]cty.Type{"text": cty.String, "number": cty.Number, "invalid": cty.String, "fail": cty.String, "odd": cty.Bool, "panics": cty.Bool})
}

func (e *echo) OutputSpec() hcldec.ObjectSpec {
	return spec(map[string]cty.Type{"text": cty.String, "list": cty.List(cty.String)})
}

func (e *echo) Configure(raws ...any) error {
	e.read(raws)
	if text := e.text("invalid"); text != "" {
		return errors.New(text)
	}
	return nil
}

func (e *echo) Execute() (cty.Value, error) {
	e.trace.add("data %q", e.text("text"))
	if e.yes("panics") {
		panic("no legs")
	}
	if fail := e.text("fail"); fail != "" {
		return cty.NilVal, errors.New(fail)
	}
	if e.yes("odd") {
		return cty.NumberIntVal(1), nil
	}
	text := cty.StringVal(e.text("text"))
	return cty.ObjectVal(map[string]cty.Value{"text": text, "list": cty.ListVal([]cty.Value{text, text})}), nil
}
