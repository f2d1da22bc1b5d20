// Package nightly is the order of an unattended run: build if anything
// changed, publish, prune, clear the cache, tell. Whatever fails, the channel
// stays as it was, and what is known of the failure is kept.
package nightly

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Settings are for one night.
type Settings struct {
	Channel string
	Budget  time.Duration // for the whole run; what still runs then is ended
	State   string        // directory of the lock, the reports and the evidence
	Notify  []string      // command that gets status.json on its standard input, or none
}

// Stages is what a run does.
type Stages interface {
	// Build makes the images, or finds that nothing has changed.
	Build(ctx context.Context, sink event.Sink) (Built, error)
	// Current returns the version that the channel is at, "" if none.
	Current(ctx context.Context) (string, error)
	// Publish puts what was built into the channel. It returns the version, and
	// false if the channel had these very images already.
	Publish(ctx context.Context, built Built, sink event.Sink) (version string, published bool, err error)
	// Prune removes what the keep rules let go, and sums up what it did.
	Prune(ctx context.Context, sink event.Sink) (string, error)
	// Clear removes what of this host's build cache was not used for long, and
	// sums up what it did.
	Clear(ctx context.Context, sink event.Sink) (string, error)
	// Announce writes the run's result on the repository's page and renews its
	// signatures. It returns what people have to be told of those.
	Announce(ctx context.Context, night layout.Night) (warnings []string, err error)
}

// Built is what a build made.
type Built struct {
	Unchanged   bool     // it was there already
	Directories []string // of the images
	Log         string   // path
}

// grace is how long a stage may take to end when it was told to.
const grace = 30 * time.Second

// errBudget is why a run that took too long was ended.
var errBudget = errors.New("the budget of time is used up")

// Run runs the night. The status is valid, and written, whatever happens; its
// Exit is for the process. Only a lock that is taken leaves the reports of the
// run that holds it alone.
func Run(ctx context.Context, plan Settings, stages Stages, sink event.Sink) Status {
	run := &run{plan: plan, stages: stages, sink: sink, status: newStatus(plan)}
	unlock, err := lock(plan.State)
	if err != nil {
		return run.status.failed(err, fault.Locked)
	}
	defer unlock()
	run.write()
	end := run.status.Started.Add(plan.Budget).UTC().Format("15:04 MST")
	sink.Emit(event.Event{Type: event.Message, Text: fmt.Sprintf("the night of channel %s begins, and is over by %s", plan.Channel, end)})
	limited, cancel := context.WithTimeoutCause(ctx, plan.Budget, errBudget)
	defer cancel()
	run.work(limited)
	if limited.Err() == nil {
		run.clear(limited)
	}
	// What follows is short, and due even if the budget is gone.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if run.status.Result != Interrupted {
		run.announce(last)
	}
	run.status.Finished = now()
	run.write()
	run.notify(last)
	return run.status
}

// lastWords is how long telling of a result may take.
const lastWords = 2 * time.Minute

type run struct {
	plan   Settings
	stages Stages
	sink   event.Sink
	status Status
	built  Built
}

// work does what can fail, and settles the result.
func (r *run) work(ctx context.Context) {
	r.status.Version, _ = r.stages.Current(ctx)
	if err := r.stage(ctx, "build", r.build); err != nil {
		r.settle(ctx, err, fault.Build)
		return
	}
	if err := r.stage(ctx, "publish", r.publish); err != nil {
		r.settle(ctx, err, fault.Publish)
		return
	}
	// One old version too many does not make a good night bad.
	if err := r.stage(ctx, "prune", r.prune); err != nil {
		r.status.warn("prune: " + err.Error())
	}
}

// clear clears the cache, after a failed build too: a full disk may be why.
func (r *run) clear(ctx context.Context) {
	err := r.stage(ctx, "cache", func(ctx context.Context) (apply, error) {
		detail, err := r.stages.Clear(ctx, r.sink)
		return func() string { return detail }, err
	})
	if err != nil {
		r.status.warn("cache: " + err.Error())
	}
}

func (r *run) build(ctx context.Context) (apply, error) {
	built, err := r.stages.Build(ctx, r.sink)
	return func() string {
		if err != nil { // what lies there may be of another night
			built.Directories = reportedSince(built.Directories, r.status.Started)
		}
		r.built, r.status.Log = built, built.Log
		if built.Unchanged {
			return "nothing changed"
		}
		return ""
	}, err
}

func (r *run) publish(ctx context.Context) (apply, error) {
	version, published, err := r.stages.Publish(ctx, r.built, r.sink)
	return func() string {
		if err != nil {
			return ""
		}
		r.status.Version, r.status.Result, r.status.Exit = version, NoChange, fault.Unchanged
		if published {
			r.status.Result, r.status.Exit = Published, fault.OK
		}
		return version
	}, err
}

func (r *run) prune(ctx context.Context) (apply, error) {
	detail, err := r.stages.Prune(ctx, r.sink)
	return func() string { return detail }, err
}

// apply takes over what a stage found and sums it up. Only a stage that ended
// may change the run.
type apply func() string

// stage runs one stage; one that does not end when it is told to is left
// behind.
func (r *run) stage(ctx context.Context, name string, do func(context.Context) (apply, error)) error {
	start := time.Now()
	type outcome struct {
		apply apply
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		apply, err := do(ctx)
		done <- outcome{apply, err}
	}()
	o := outcome{apply: func() string { return "" }}
	select {
	case o = <-done:
	case <-ctx.Done():
		select {
		case o = <-done:
		case <-time.After(grace):
			o.err = fmt.Errorf("%s does not end", name)
		}
	}
	if cause := context.Cause(ctx); o.err != nil && cause != nil {
		o.err = fmt.Errorf("%w (%w)", cause, o.err)
	}
	r.status.add(Phase{Name: name, Seconds: time.Since(start).Seconds(), Detail: o.apply()}, o.err)
	return o.err
}

// announce tells the result on the repository's page.
func (r *run) announce(ctx context.Context) {
	night := layout.Night{At: r.status.Started, Result: string(r.status.Result), Version: r.status.Version, Detail: r.status.Error}
	warnings, err := r.stages.Announce(ctx, night)
	r.status.Warnings = append(r.status.Warnings, warnings...)
	if err != nil {
		r.status.warn("the page: " + err.Error())
	}
}

// write writes the reports. That it cannot must not end a run.
func (r *run) write() {
	status, err := r.status.Encode()
	if err == nil {
		err = durable.WriteFile(filepath.Join(r.plan.State, StatusFile), status, 0o644)
	}
	if err == nil && !r.status.Finished.IsZero() {
		err = r.writeReport()
	}
	if err != nil {
		r.status.warn(err.Error())
		r.sink.Emit(event.Event{Type: event.Warning, Text: err.Error()})
	}
}

func (r *run) writeReport() error {
	report, err := r.status.junit(r.built.Directories)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(r.plan.State, ReportFile), report, 0o644)
}
