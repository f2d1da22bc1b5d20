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
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// closedPorts are the guest's ports that nobody may reach: Jetty's, AmiGO's
// customary one, and those that persistent programs like to take.
var closedPorts = []int{8080, 9999, 5000, 3000}

const (
	sshPort = 22
	webPort = 80
)

// subject is one running machine with what was found out about it.
type subject struct {
	spec     Spec
	boot     boot
	phase    *event.Phase
	evidence evidence
	start    time.Time

	vm    *qemu.VM
	key   *guest.Key // root's, for this boot
	user  *guest.Key // the operator's, given by the seed
	guest *guest.Guest
	web   *web

	inside inside
	facts  Facts
	times  manifest.Boot
	checks []Check
}

// check is one thing that must be so. It returns what it saw.
type check struct {
	name string
	run  func(context.Context, *subject) (detail string, err error)
}

// test boots the image once and checks it. It returns an error only when the
// test could not be made; what is wrong with the image is in the checks.
func test(ctx context.Context, spec Spec, boot boot, phase *event.Phase) (*subject, error) {
	s := &subject{spec: spec, boot: boot, phase: phase, evidence: evidence{dir: filepath.Join(spec.Evidence, boot.String())}}
	s.times = manifest.Boot{Firmware: string(boot.firmware), Seed: boot.seed}
	if err := s.power(ctx); err != nil {
		return nil, fmt.Errorf("boot test on %s: %w", boot, err)
	}
	defer s.vm.Close()
	arrived := s.checkRunning(ctx)
	s.screenshot(ctx)
	if arrived {
		s.all(ctx, departure)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return s, nil
}

// checkRunning runs the checks of the running machine, and tells whether it came up at
// all. What one that serves nothing tells about itself is evidence too.
func (s *subject) checkRunning(ctx context.Context) (arrived bool) {
	if !s.all(ctx, arrival) {
		return false
	}
	defer func() {
		if !s.dead() {
			s.all(ctx, steadiness)
		}
		_ = s.guest.Close()
	}()
	serves := s.all(ctx, services[:1]) && s.all(ctx, services[1:])
	if !s.all(ctx, introduction) {
		return true
	}
	if serves {
		s.all(ctx, outsideChecks(s.spec.Variant))
	}
	s.all(ctx, insideChecks(s.spec.Variant, s.boot.seed))
	if serves {
		s.all(ctx, farewell)
	}
	return true
}

// power switches the machine on.
func (s *subject) power(ctx context.Context) (err error) {
	if err := s.evidence.make(); err != nil {
		return err
	}
	if s.key, err = guest.NewKey("boot-test"); err != nil {
		return err
	}
	options := s.options()
	if s.boot.seed {
		if s.user, err = guest.NewKey("seed"); err != nil {
			return err
		}
		if options.Seed, err = makeSeed(ctx, s.evidence.dir, s.user.AuthorizedKey); err != nil {
			return err
		}
	}
	s.start = time.Now()
	if s.vm, err = qemu.Start(ctx, options); err != nil {
		return err
	}
	s.web = newWeb("http://"+s.vm.Addr(webPort), s.spec.Timeouts.Request, s.evidence)
	return nil
}

func (s *subject) options() qemu.Options {
	return qemu.Options{
		Name:          "amigo-test-" + s.boot.String(),
		Accelerator:   s.spec.Accelerator,
		Firmware:      s.boot.firmware,
		CPUs:          s.spec.CPUs,
		MemoryMiB:     s.spec.MemoryMiB,
		Disks:         []qemu.Disk{{Path: s.spec.Image, Format: "qcow2", Snapshot: true}},
		Forward:       append([]int{sshPort, webPort}, closedPorts...),
		AuthorizedKey: s.key.AuthorizedKey,
		Isolated:      true,
		Console:       s.evidence.path("console.log"),
	}
}

// all runs checks in their order and tells whether all passed. A machine that
// has died fails the rest at once.
func (s *subject) all(ctx context.Context, checks []check) bool {
	passed := true
	for _, c := range checks {
		detail, err := c.run(ctx, s)
		if ctx.Err() != nil {
			return false
		}
		result := Check{Boot: s.boot.String(), Name: c.name, OK: err == nil, Detail: detail}
		if err != nil {
			result.Detail = err.Error()
			passed = false
			s.phase.Say(fmt.Sprintf("%s: failed: %s: %v", s.boot, c.name, err))
		} else {
			s.phase.Detail(fmt.Sprintf("%s: ok: %s: %s", s.boot, c.name, detail))
		}
		s.checks = append(s.checks, result)
		if err != nil && s.dead() {
			return false
		}
	}
	return passed
}

func (s *subject) dead() bool {
	select {
	case <-s.vm.Exited():
		return true
	default:
		return false
	}
}

func (s *subject) since() float64 { return time.Since(s.start).Round(100 * time.Millisecond).Seconds() }

func (s *subject) screenshot(ctx context.Context) {
	if s.dead() || ctx.Err() != nil {
		return
	}
	if err := s.vm.Screenshot(ctx, s.evidence.path(ScreenshotName)); err != nil {
		s.phase.Detail(err.Error())
	}
}

// The checks that come before all others, in their order.
var (
	arrival  = []check{{"it boots and answers SSH", answersSSH}}
	services = []check{
		{"GOlr answers", answers("GOlr", serving.AllPath)},
		{"AmiGO answers", answers("AmiGO", serving.Page)},
	}
	introduction = []check{{"it tells about itself", inspect}}
	steadiness   = []check{{steadyCheck, steadyUnits}}
)

// outsideChecks returns the checks that are made over the network.
func outsideChecks(variant Variant) []check {
	return slices.Concat(pages(), golr(), requests(), network(variant))
}

func answersSSH(ctx context.Context, s *subject) (string, error) {
	var err error
	s.guest, err = guest.Dial(ctx, s.vm.Addr(sshPort), "root", s.key, s.spec.Timeouts.SSH, s.vm)
	if err != nil {
		return "", err
	}
	s.times.SSH = s.since()
	s.phase.Say(fmt.Sprintf("%s: ssh after %.0f s", s.boot, s.times.SSH))
	return fmt.Sprintf("after %.0f s", s.times.SSH), nil
}

// answers waits until path answers 200.
func answers(what, path string) func(context.Context, *subject) (string, error) {
	return func(ctx context.Context, s *subject) (string, error) {
		err := serving.Await(ctx, s.vm, s.spec.Timeouts.Serving, func(ctx context.Context) error {
			response, err := s.web.get(ctx, path)
			if err == nil && response.status != http.StatusOK {
				err = fmt.Errorf("status %d", response.status)
			}
			return err
		})
		if err != nil {
			return "", err
		}
		s.times.Serving = s.since()
		s.phase.Say(fmt.Sprintf("%s: %s serves after %.0f s", s.boot, what, s.times.Serving))
		return fmt.Sprintf("after %.0f s", s.times.Serving), nil
	}
}

// pollInterval leaves an emulated guest time to start up.
const pollInterval = 3 * time.Second

var departure = []check{{"it shuts down cleanly", shutsDown}}

func shutsDown(ctx context.Context, s *subject) (string, error) {
	if s.dead() {
		return "", errors.New("it went off by itself")
	}
	start := time.Now()
	if err := s.vm.PowerDown(ctx, s.spec.Timeouts.Shutdown); err != nil {
		return "", err
	}
	return fmt.Sprintf("in %.0f s", time.Since(start).Seconds()), nil
}

// compare looks for what no two machines may share.
func compare(subjects []*subject) []Check {
	var checks []Check
	for _, secret := range []struct {
		name string
		of   func(inside) string
	}{
		{"each machine makes its own SSH host keys", func(i inside) string { return i.text("host-key") }},
		{"each machine makes its own machine-id", func(i inside) string { return i.text("machine-id") }},
	} {
		if len(subjects) < 2 {
			break
		}
		check := Check{Boot: "all", Name: secret.name, OK: true}
		seen := map[string]bool{}
		for _, s := range subjects {
			value := secret.of(s.inside)
			if value == "" || seen[value] {
				check.OK, check.Detail = false, fmt.Sprintf("%q twice or missing", value)
			}
			seen[value] = true
		}
		checks = append(checks, check)
	}
	return checks
}
