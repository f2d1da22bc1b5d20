package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// RunOptions say where a plan's output goes and how it is run.
type RunOptions struct {
	Sink     event.Sink                   // nil: nowhere
	Ask      func(string) (string, error) // asks a person; nil: nobody is there
	Parallel int                          // builds at the same time; 0: all

	// Records is the directory where results are remembered, so that a build
	// whose inputs and results are unchanged is not run again. "": nowhere.
	Records string
	// Engine identifies the program: another program builds again.
	Engine string
	// Digests are those of all files that were made. Otherwise only files of builds that
	// are remembered have them.
	Digests bool
}

// Result is what became of one build.
type Result struct {
	Build     string        `json:"build"`
	Artifacts []Artifact    `json:"artifacts"` // also of a build that failed later
	Unchanged bool          `json:"unchanged"` // the artifacts were there already
	Elapsed   time.Duration `json:"-"`
	Err       error         `json:"-"`
}

// Artifact describes one finished artifact of a build.
type Artifact struct {
	Builder string `json:"builder_id"`
	ID      string `json:"id"`
	Text    string `json:"text"`
	Files   []File `json:"files"`
}

// BuildError is a build that failed. Its text has no sensitive values; those of
// the errors that it wraps may.
type BuildError struct {
	Build string
	Err   error
	mask  *mask
}

func (e *BuildError) Error() string { return e.Hide(e.Build + ": " + e.Err.Error()) }

// Hide returns text with the template's sensitive values masked.
func (e *BuildError) Hide(text string) string { return e.mask.hide(text) }

func (e *BuildError) Unwrap() error { return e.Err }

// StepError is a provisioner or post-processor that failed.
type StepError struct {
	Step string // as a person calls it: "provisioner shell"
	Err  error
}

func (e *StepError) Error() string { return e.Step + ": " + e.Err.Error() }

func (e *StepError) Unwrap() error { return e.Err }

// step returns err as an error of c.
func (c *component) step(err error) error {
	if err == nil {
		return nil
	}
	return &StepError{Step: c.String(), Err: err}
}

// Run runs every build of the plan. Results are in the order of the plan's
// builds; a build that fails does not stop the others. The error joins a
// [*BuildError] of each that failed, and of each of its post-processors that did.
func (p *Plan) Run(ctx context.Context, o RunOptions) ([]Result, error) {
	if p.options.SkipData && len(p.template.data) > 0 {
		return nil, errors.New("the plan does not know what its data sources give")
	}
	if o.Sink == nil {
		o.Sink = event.Discard
	}
	limit := o.Parallel
	if limit <= 0 {
		limit = len(p.Builds)
	}
	if p.options.Debug {
		limit = 1
	}
	results := make([]Result, len(p.Builds))
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i, b := range p.Builds {
		slots <- struct{}{} // here, so that one at a time keeps the order
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = p.runBuild(ctx, b, o)
		})
	}
	wg.Wait()
	return results, p.failures(results)
}

func (p *Plan) failures(results []Result) error {
	var errs []error
	for _, r := range results {
		for _, err := range steps(r.Err) {
			errs = append(errs, &BuildError{Build: r.Build, Err: err, mask: p.template.mask})
		}
	}
	return errors.Join(errs...)
}

// steps returns the errors of a build's steps, where several have failed, or the error.
func steps(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !errors.As(err, new(*StepError)) }) {
		return []error{err}
	}
	return joined.Unwrap()
}

func (p *Plan) runBuild(ctx context.Context, b *Build, o RunOptions) (r Result) {
	r.Build = b.Name
	start := time.Now()
	if err := ctx.Err(); err != nil {
		r.Err = context.Cause(ctx)
		return r
	}
	run := &buildRun{plan: p, build: b, options: o}
	defer run.close()
	defer func() { r.Elapsed = time.Since(start) }()
	ahead, err := run.lookAhead(ctx)
	if err != nil {
		r.Err = err
		return r
	}
	if r.Artifacts, r.Unchanged = ahead.artifacts, ahead.unchanged; r.Unchanged {
		return r
	}
	if r.Artifacts, r.Err = run.run(ctx, ahead); r.Err == nil && !run.incomplete {
		r.Artifacts, r.Err = ahead.record.keep(r.Artifacts)
	}
	if o.Digests && r.Err == nil {
		r.Artifacts = run.digest(ctx, r.Artifacts)
	}
	return r
}

// buildRun is one build while it runs.
type buildRun struct {
	plan    *Plan
	build   *Build
	options RunOptions
	open    []packersdk.HCL2Speccer // post-processors that have run

	incomplete bool // a provisioner failed that may: the next run tries it again
}

func (r *buildRun) close() {
	for _, instance := range r.open {
		closeInstance(instance)
	}
}

// run makes the build. What the builder made is remembered until the
// post-processors are done with it.
func (r *buildRun) run(ctx context.Context, ahead outlook) ([]Artifact, error) {
	artifact, err := r.runBuilder(ctx, ahead.builder)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = errors.Join(cause, err)
		}
		return nil, err
	}
	if artifact == nil {
		return nil, nil
	}
	ahead.takeUp.remember(artifact)
	kept, err := r.postProcess(ctx, artifact)
	if err == nil {
		ahead.takeUp.forget()
	}
	return describe(kept), err
}

// planned returns the builder that runs: the settled one, or the planned one if that
// is nil.
func (r *buildRun) planned(settled packersdk.Builder) packersdk.Builder {
	if settled != nil {
		return settled
	}
	builder, _ := r.build.builder.instance.(packersdk.Builder)
	return builder
}

// runBuilder runs the settled builder; nil is the planned one.
func (r *buildRun) runBuilder(ctx context.Context, settled packersdk.Builder) (artifact packersdk.Artifact, err error) {
	c := r.build.builder
	u := r.ui(c)
	mask := r.plan.template.mask
	hook := &packersdk.DispatchHook{Mapping: map[string][]packersdk.Hook{}}
	var provisioning sync.WaitGroup
	if len(r.build.provisioners) > 0 {
		hook.Mapping[packersdk.HookProvision] = []packersdk.Hook{&provisionHook{r, r.build.provisioners, mask, &provisioning}}
	}
	if r.build.cleanup != nil {
		hook.Mapping[packersdk.HookCleanupProvision] = []packersdk.Hook{&provisionHook{r, []*component{r.build.cleanup}, mask, &provisioning}}
	}
	err = r.guard(c, u, func() error {
		builder := r.planned(settled)
		if builder == nil {
			return fmt.Errorf("%s is not a builder", c)
		}
		artifact, err = builder.Run(ctx, u, hook)
		return err
	})
	// A builder that is cancelled need not have waited for its provisioners.
	provisioning.Wait()
	// Provisioners have had their own phases: what the builder said is ended
	// after them.
	return artifact, u.end(err)
}

// guard runs f; a panic becomes an error, and its stack goes to the log.
func (r *buildRun) guard(c *component, u *ui, f func() error) error {
	err := guard(c.String(), f)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		u.emit(event.Event{Type: event.Detail, Phase: c.label(), Text: panicked.Stack})
	}
	return err
}

func (r *buildRun) ui(c *component) *ui {
	return &ui{
		sink: r.options.Sink, mask: r.plan.template.mask, ask: r.options.Ask,
		build: r.build.Name, phase: c.label(), started: time.Now(),
	}
}
