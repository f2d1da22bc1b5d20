package machine

import (
	"cmp"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Limits bound the parts of a machine's life. They are far above what a machine needs: they
// end what is stuck.
type Limits struct {
	SSH      time.Duration // from power on to the first login
	Serving  time.Duration // from then to the first page and search
	Request  time.Duration // one HTTP request
	Inspect  time.Duration // until systemd has settled and told about itself
	Shutdown time.Duration // each way to shut down
}

var limits = map[qemu.Accelerator]Limits{
	qemu.KVM: {SSH: 2 * time.Minute, Serving: 3 * time.Minute, Request: 45 * time.Second, Inspect: 3 * time.Minute, Shutdown: time.Minute},
	qemu.TCG: {SSH: 10 * time.Minute, Serving: 10 * time.Minute, Request: 3 * time.Minute, Inspect: 10 * time.Minute, Shutdown: 5 * time.Minute},
}

// LimitsOf returns what fits an accelerator; "" is an emulated guest.
func LimitsOf(a qemu.Accelerator) Limits {
	if known, ok := limits[a]; ok {
		return known
	}
	return limits[qemu.TCG]
}

// Or returns l with what fallback has for those that are zero.
func (l Limits) Or(fallback Limits) Limits {
	return Limits{
		SSH: cmp.Or(l.SSH, fallback.SSH), Serving: cmp.Or(l.Serving, fallback.Serving), Request: cmp.Or(l.Request, fallback.Request),
		Inspect: cmp.Or(l.Inspect, fallback.Inspect), Shutdown: cmp.Or(l.Shutdown, fallback.Shutdown),
	}
}
