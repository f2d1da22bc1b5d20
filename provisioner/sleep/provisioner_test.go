package sleep

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestProvision(t *testing.T) {
	p := new(Provisioner)
	if err := p.Prepare(map[string]any{"duration": "90s"}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := p.Provision(t.Context(), packersdk.TestUi(t), nil, nil); err != nil || time.Since(start) != 90*time.Second {
			t.Errorf("it waited %s: %v", time.Since(start), err)
		}
		why := errors.New("Ctrl-C")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		if err := p.Provision(ctx, packersdk.TestUi(t), nil, nil); !errors.Is(err, why) {
			t.Errorf("stopped: %v", err)
		}
	})
}

func TestPrepare(t *testing.T) {
	for duration, fault := range map[string]string{"0s": "", "1h": "", "-1s": "duration: -1s is negative", "soon": "duration"} {
		err := new(Provisioner).Prepare(map[string]any{"duration": duration})
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %q", duration, err, fault)
		}
	}
}
