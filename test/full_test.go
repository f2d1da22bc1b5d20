//go:build vm && long

package test

import (
	"strings"
	"testing"
	"time"
)

// fillDisk leaves no block of the guest's disk, not even of those that are kept for
// root. Nothing is written, so it takes moments.
const fillDisk = `n=0
for size in 1G 256M 64M 16M 4M 1M 256K 64K 16K 4K; do
	while fallocate -l $size /full.$n 2>/dev/null; do n=$((n + 1)); done
done
df -P /`

// TestFullDiskOfMachine fills the disk of the running image and kills what serves,
// so that it has to start on a full disk. The start page says what is wrong. When
// there is room again, all goes on by itself: nobody has to log in.
func TestFullDiskOfMachine(t *testing.T) {
	m := boot(t)
	m.do(t, fillDisk)
	m.do(t, "systemctl kill --signal=KILL amigo-workers jetty9 apache2")
	const full = "The disk of this machine is full"
	m.awaitText(t, "/", func(page string) bool { return strings.Contains(page, full) })
	time.Sleep(time.Minute) // longer than it takes systemd to give up, where it does
	m.do(t, "rm -f /full.*")
	m.await(t, "/amigo")
	m.await(t, "/solr/select?q=*:*&rows=0")
	m.awaitText(t, "/", func(page string) bool {
		return strings.Contains(page, "AmiGO is running") && !strings.Contains(page, full)
	})
}

// do runs a script in the guest.
func (m *machine) do(t *testing.T, script string) {
	t.Helper()
	output, err := m.shell.Output(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(output)
}

// awaitText waits until a page says what it should.
func (m *machine) awaitText(t *testing.T, path string, good func(page string) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		status, page := m.get(t, path)
		if good(page) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s gives %d and says\n%.3000s", path, status, page)
		}
	}
}
