package accelerator

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

func TestPick(t *testing.T) {
	second := func(a qemu.Accelerator, s int) Timing {
		return Timing{Accelerator: a, Time: time.Duration(s) * time.Second}
	}
	tests := map[string]struct {
		results []Timing
		want    qemu.Accelerator
	}{
		"kvm is faster":      {[]Timing{second(qemu.KVM, 1), second(qemu.TCG, 2)}, qemu.KVM},
		"kvm interprets":     {[]Timing{second(qemu.KVM, 9), second(qemu.TCG, 2)}, qemu.TCG},
		"a tie":              {[]Timing{second(qemu.KVM, 2), second(qemu.TCG, 2)}, qemu.KVM},
		"kvm was stopped":    {[]Timing{{Accelerator: qemu.KVM, Time: 1, Stopped: true}, second(qemu.TCG, 2)}, qemu.TCG},
		"there is no kvm":    {[]Timing{{Accelerator: qemu.KVM, Time: 1, Fault: "no /dev/kvm"}, second(qemu.TCG, 2)}, qemu.TCG},
		"nothing runs":       {[]Timing{{Accelerator: qemu.TCG, Fault: "broken"}}, ""},
		"the other order":    {[]Timing{second(qemu.TCG, 2), second(qemu.KVM, 1)}, qemu.KVM},
		"only one candidate": {[]Timing{second(qemu.TCG, 2)}, qemu.TCG},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := pick(test.results); got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
}

func TestChooseRunsTheProbeOnce(t *testing.T) {
	c := cache.At(filepath.Join(t.TempDir(), "c,omma and=more"))
	for _, cached := range []bool{false, true} {
		choice, err := Choose(t.Context(), []qemu.Accelerator{qemu.TCG}, "qemu-system-x86_64", c)
		if err != nil {
			t.Fatal(err)
		}
		if choice.Accelerator != qemu.TCG || choice.Cached != cached || choice.Results[0].Time == 0 {
			t.Errorf("got %+v", choice)
		}
	}
}

func TestAcceleratorThatQemuDoesNotHave(t *testing.T) {
	candidates := []qemu.Accelerator{"none-such"}
	_, err := Choose(t.Context(), candidates, "qemu-system-x86_64", cache.At(t.TempDir()))
	var none *NoneError
	if !errors.As(err, &none) || none.Results[0].Fault == "" {
		t.Errorf("got %v", err)
	}
}

func TestProbeIsMadeFromItsSource(t *testing.T) {
	object, image := filepath.Join(t.TempDir(), "probe.o"), filepath.Join(t.TempDir(), "probe.bin")
	for _, cmd := range []command.Cmd{
		{Name: "as", Args: []string{"probe.S", "-o", object}},
		{Name: "ld", Args: []string{"-m", "elf_x86_64", "-Ttext", "0x7c00", "--oformat", "binary", "-o", image, object}},
	} {
		if err := command.Run(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	made, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, bootSector) {
		t.Error("probe.bin is not what probe.S gives")
	}
}
