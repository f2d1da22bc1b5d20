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
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
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
	for _, a := range []arch.Arch{arch.AMD64, arch.ARM64} {
		for _, cached := range []bool{false, true} {
			choice, err := Choose(t.Context(), []qemu.Accelerator{qemu.TCG}, a, "", c)
			if err != nil {
				t.Fatal(err)
			}
			if choice.Accelerator != qemu.TCG || choice.Cached != cached || choice.Results[0].Time == 0 {
				t.Errorf("%s: got %+v", a.Name, choice)
			}
		}
	}
}

func TestAcceleratorThatQemuDoesNotHave(t *testing.T) {
	candidates := []qemu.Accelerator{"none-such"}
	_, err := Choose(t.Context(), candidates, arch.AMD64, "", cache.At(t.TempDir()))
	var none *NoneError
	if !errors.As(err, &none) || none.Results[0].Fault == "" {
		t.Errorf("got %v", err)
	}
}

// TestProbesAreMadeFromTheirSources: the other architecture's needs its assembler.
func TestProbesAreMadeFromTheirSources(t *testing.T) {
	object, image := filepath.Join(t.TempDir(), "probe.o"), filepath.Join(t.TempDir(), "probe.bin")
	for name, commands := range map[string][]command.Cmd{
		"amd64": {
			{Name: "as", Args: []string{"probe-amd64.S", "-o", object}},
			{Name: "ld", Args: []string{"-m", "elf_x86_64", "-Ttext", "0x7c00", "--oformat", "binary", "-o", image, object}},
		},
		"arm64": {
			{Name: "aarch64-linux-gnu-as", Args: []string{"probe-arm64.S", "-o", object}},
			{Name: "aarch64-linux-gnu-objcopy", Args: []string{"-O", "binary", object, image}},
		},
	} {
		for _, cmd := range commands {
			if err := command.Run(t.Context(), cmd); err != nil {
				t.Fatal(err)
			}
		}
		made, err := os.ReadFile(image)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, probes[name].program) {
			t.Errorf("probe-%s.bin is not what its source gives", name)
		}
	}
}
