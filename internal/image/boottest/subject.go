package boottest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// closedPorts are the guest's ports that nobody may reach: Jetty's, AmiGO's
// customary one, and those that persistent programs like to take.
var closedPorts = []int{8080, 9999, 5000, 3000}

const (
	sshPort = machine.SSHPort
	webPort = 80
)

// subject is one running machine with what is known of it so far. Checks get a
// copy: what they find they return.
type subject struct {
	spec     Spec
	boot     boot
	phase    *event.Phase
	evidence evidence
	start    time.Time

	vm    *machine.Machine
	key   *guest.Key // root's, for this boot
	user  *guest.Key // the operator's, given by the seed
	guest *guest.Guest
	web   *web

	inside inside
	facts  Facts
}

// findings is what was found out about one machine.
type findings struct {
	checks []Check
	times  manifest.Boot
	inside inside
	facts  Facts
}

// add takes in the outcome of checks and returns whether all passed.
func (f *findings) add(checks []Check, passed bool) bool {
	f.checks = append(f.checks, checks...)
	return passed
}

// check is one thing that must be so. It returns what it saw.
type check struct {
	name string
	run  func(context.Context, subject) (detail string, err error)
}

// test boots the image once and checks it. It returns an error only when the
// test could not be made; what is wrong with the image is in the checks.
func test(ctx context.Context, spec Spec, boot boot, phase *event.Phase) (findings, error) {
	s, err := power(ctx, spec, boot, phase)
	if err != nil {
		return findings{}, fmt.Errorf("boot test on %s: %w", boot, err)
	}
	defer s.vm.Close()
	found, arrived := s.checkRunning(ctx)
	s.screenshot(ctx)
	if arrived {
		found.add(s.all(ctx, departure))
	}
	if ctx.Err() != nil {
		return findings{}, context.Cause(ctx)
	}
	return found, nil
}

// checkRunning runs the checks of the running machine, and tells whether it came up at
// all. What one that serves nothing tells about itself is evidence too.
func (s subject) checkRunning(ctx context.Context) (found findings, arrived bool) {
	found.times = manifest.Boot{Firmware: string(s.boot.firmware), Seed: s.boot.seed}
	g, seconds, err := answersSSH(ctx, s)
	if !found.add(s.outcome(ctx, arrivalCheck, after(seconds), err)) {
		return found, false
	}
	s.guest, found.times.SSH = g, seconds
	defer func() {
		if !s.dead() {
			found.add(s.all(ctx, steadiness))
		}
		_ = g.Close()
	}()
	checks, seconds, serves := s.awaitServices(ctx)
	found.add(checks, serves)
	found.times.Serving = seconds
	s.inside, s.facts, err = inspect(ctx, s)
	found.inside, found.facts = s.inside, s.facts
	if !found.add(s.outcome(ctx, "it tells about itself", s.facts.System+", AmiGO "+s.facts.About.AmiGO.Version, err)) {
		return found, true
	}
	if serves {
		found.add(s.all(ctx, outsideChecks(s.spec.Variant, s.boot.whole)))
	}
	found.add(s.all(ctx, insideChecks(s.spec.Variant, s.boot.seed)))
	if serves {
		found.add(s.all(ctx, farewell))
	}
	return found, true
}

// power switches a machine on.
func power(ctx context.Context, spec Spec, boot boot, phase *event.Phase) (s subject, err error) {
	s = subject{spec: spec, boot: boot, phase: phase, evidence: evidence{dir: filepath.Join(spec.Evidence, boot.String())}}
	if err := s.evidence.make(); err != nil {
		return s, err
	}
	if s.key, err = guest.NewKey("boot-test"); err != nil {
		return s, err
	}
	options := s.options()
	if boot.seed {
		if s.user, err = guest.NewKey("seed"); err != nil {
			return s, err
		}
		if options.Seed, err = makeSeed(ctx, s.evidence.dir, s.user.AuthorizedKey); err != nil {
			return s, err
		}
	}
	s.start = time.Now()
	if s.vm, err = machine.Start(ctx, options, s.key); err != nil {
		return s, err
	}
	s.vm.Limits = spec.Limits
	s.web = newWeb("http://"+s.vm.Addr(webPort), spec.Limits.Request, s.evidence)
	return s, nil
}

func (s subject) options() qemu.Options {
	disks := []qemu.Disk{{Path: s.spec.Image, Format: "qcow2", Snapshot: true}}
	if s.spec.Data != "" {
		disks = append(disks, qemu.Disk{Path: s.spec.Data, Format: "raw", ReadOnly: true})
	}
	return qemu.Options{
		Arch:        s.spec.Arch,
		Name:        "amigo-test-" + s.boot.String(),
		Accelerator: s.spec.Accelerator,
		Firmware:    s.boot.firmware,
		CPUs:        s.spec.CPUs,
		MemoryMiB:   s.spec.MemoryMiB,
		Disks:       disks,
		Forward:     append([]int{sshPort, webPort}, closedPorts...),
		Isolated:    true,
		Console:     s.evidence.path(consoleName),
	}
}

// all runs checks in their order and tells whether all passed. A machine that
// has died fails the rest at once.
func (s subject) all(ctx context.Context, checks []check) (done []Check, passed bool) {
	passed = true
	for _, c := range checks {
		detail, err := c.run(ctx, s)
		if ctx.Err() != nil {
			return done, false
		}
		result, fine := s.outcome(ctx, c.name, detail, err)
		done = append(done, result...)
		passed = passed && fine
		if !fine && s.dead() {
			return done, false
		}
	}
	return done, passed
}

// outcome says what became of a check, and whether it passed. There is none if
// the test was stopped meanwhile.
func (s subject) outcome(ctx context.Context, name, detail string, err error) ([]Check, bool) {
	if ctx.Err() != nil {
		return nil, false
	}
	if err != nil {
		s.phase.Say(fmt.Sprintf("%s: failed: %s: %v", s.boot, name, err))
		return []Check{{Boot: s.boot.String(), Name: name, Detail: err.Error()}}, false
	}
	s.phase.Detail(fmt.Sprintf("%s: ok: %s: %s", s.boot, name, detail))
	return []Check{{Boot: s.boot.String(), Name: name, OK: true, Detail: detail}}, true
}

func (s subject) dead() bool { return s.vm.HasExited() }

func (s subject) since() float64 { return time.Since(s.start).Round(100 * time.Millisecond).Seconds() }

func (s subject) screenshot(ctx context.Context) {
	if s.dead() || ctx.Err() != nil {
		return
	}
	if err := s.vm.Screenshot(ctx, s.evidence.path(ScreenshotName)); err != nil {
		s.phase.Detail(err.Error())
	}
}

// services are what a machine serves, in the order in which it is waited for,
// each with a path that it answers.
var services = []struct{ name, path string }{{"GOlr", serving.AllPath}, {"AmiGO", serving.Page}}

var steadiness = []check{{steadyCheck, steadyUnits}}

// outsideChecks returns the checks that are made over the network. A page, a search and what
// is open are checked on each boot.
func outsideChecks(variant Variant, whole bool) []check {
	if !whole {
		return append([]check{termCheck, searchCheck}, network(variant)...)
	}
	return slices.Concat(pages(), golr(), requests(), network(variant))
}

// answersSSH logs in, and returns after how many seconds that was possible.
func answersSSH(ctx context.Context, s subject) (*guest.Guest, float64, error) {
	g, err := s.vm.Login(ctx, "root")
	if err != nil {
		return nil, 0, err
	}
	seconds := s.since()
	s.phase.Say(fmt.Sprintf("%s: ssh after %.0f s", s.boot, seconds))
	return g, seconds, nil
}

// awaitServices waits for one service after the other. seconds is when the last
// of those that answer began to.
func (s subject) awaitServices(ctx context.Context) (checks []Check, seconds float64, serves bool) {
	for _, service := range services {
		began, err := answers(ctx, s, service.path)
		if err == nil {
			seconds = began
			s.phase.Say(fmt.Sprintf("%s: %s serves after %.0f s", s.boot, service.name, seconds))
		}
		check, fine := s.outcome(ctx, service.name+" answers", after(began), err)
		checks = append(checks, check...)
		if !fine {
			return checks, seconds, false
		}
	}
	return checks, seconds, true
}

// answers waits until path answers 200, and returns after how many seconds.
func answers(ctx context.Context, s subject, path string) (float64, error) {
	err := serving.Await(ctx, s.vm, s.spec.Limits.Serving, func(ctx context.Context) error {
		response, err := s.web.get(ctx, path)
		if err == nil && response.status != http.StatusOK {
			err = fmt.Errorf("status %d", response.status)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return s.since(), nil
}

func after(seconds float64) string { return fmt.Sprintf("after %.0f s", seconds) }

// pollInterval leaves an emulated guest time to start up.
const pollInterval = 3 * time.Second

var departure = []check{{"it shuts down cleanly", shutsDown}}

func shutsDown(ctx context.Context, s subject) (string, error) {
	if s.dead() {
		return "", errors.New("it went off by itself")
	}
	start := time.Now()
	if _, err := s.vm.ShutDown(ctx, s.vm.Button()); err != nil {
		return "", err
	}
	return fmt.Sprintf("in %.0f s", time.Since(start).Seconds()), nil
}

// compare looks for what no two machines may share.
func compare(machines []findings) []Check {
	var checks []Check
	for _, secret := range []struct {
		name string
		of   func(inside) string
	}{
		{"each machine makes its own SSH host keys", func(i inside) string { return i.text("host-key") }},
		{"each machine makes its own machine-id", func(i inside) string { return i.text("machine-id") }},
	} {
		if len(machines) < 2 {
			break
		}
		check := Check{Boot: "all", Name: secret.name, OK: true}
		seen := map[string]bool{}
		for _, m := range machines {
			value := secret.of(m.inside)
			if value == "" || seen[value] {
				check.OK, check.Detail = false, fmt.Sprintf("%q twice or missing", value)
			}
			seen[value] = true
		}
		checks = append(checks, check)
	}
	return checks
}
