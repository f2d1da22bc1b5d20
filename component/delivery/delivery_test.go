package delivery

import (
	"strings"
	"testing"
)

func TestPrepare(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"nothing set", Config{}, nil},
		{"everything set", Config{
			OutputDirectory: "o", ImageName: "amigo-2.5.17+1", Accelerators: []string{"tcg"},
			Memory: 512, CPUs: 1, Firmwares: []string{"uefi"}, KeepEvidence: true,
		}, nil},
		{"every fault at once", Config{
			ImageName: "../x", Accelerators: []string{"hvf"}, Memory: 100, CPUs: -1, Firmwares: []string{"bios", "bios", "efi"},
		}, []string{
			`image_name: "../x"`, "memory: 100 MiB is too little", "cpus: -1", `firmwares: "bios" is there twice`,
			`firmwares: "efi" is not known`, `accelerators: "hvf" is not known (known: kvm, tcg)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, err := range test.config.Prepare("output/x", "x") {
				got = append(got, err.Error())
			}
			all := strings.Join(got, "\n")
			for _, want := range test.want {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, all)
				}
			}
			if len(test.want) == 0 && all != "" {
				t.Error(all)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	sums := map[string]bool{}
	for _, c := range []Config{{}, {Memory: 512}, {ImageName: "x"}, {KeepEvidence: true}} {
		for _, part := range []string{"a", "b"} {
			sum, err := c.Fingerprint(part)
			if err != nil {
				t.Fatal(err)
			}
			sums[sum] = true
		}
	}
	if len(sums) != 8 {
		t.Errorf("%d fingerprints", len(sums))
	}
}
