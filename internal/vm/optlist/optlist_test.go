package optlist

import "testing"

func TestList(t *testing.T) {
	for want, list := range map[string]*List{
		"virtio-blk-pci,drive=disk0":          Of("virtio-blk-pci").With("drive", "disk0"),
		"if=none,id=a,,b,file=/c,,omma/x=y":   Of("").With("if", "none").With("id", "a,b").File("file", "/c,omma/x=y"),
		"unix:/r/a,,b,server=on":              Of("unix:/r/a,b").With("server", "on"),
		"virtio-net-pci,netdev=net0,romfile=": Of("virtio-net-pci").With("netdev", "net0").With("romfile", ""),
	} {
		if got := list.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
