package bytesize

import "testing"

func TestOf(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 74 << 20: "74 MiB", 2040109466: "1.9 GiB", 8 << 30: "8.0 GiB", -3 << 20: "-3.0 MiB",
	} {
		if got := Of(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
