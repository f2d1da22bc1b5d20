//go:build vm

package sharedcache

import (
	"os"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store/storetest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestServers: the stores of three protocols hold a shared cache, and who may only
// read it takes from it.
func TestServers(t *testing.T) {
	for name, start := range storetest.All() {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			secondHost(t, server.Location("builds"))
			twoWriters(t, server.Location("three"))
			if server.Guest == nil {
				return
			}
			// In another process, since a library of Azure reads its credentials once.
			env := []string{asGuest + "=" + server.Location("builds") + " " + server.Location("guests")}
			for name, value := range server.Guest {
				env = append(env, name+"="+value)
			}
			out, err := command.Output(t.Context(), command.Cmd{Name: os.Args[0], Args: []string{"-test.v", "-test.run=^TestGuest$"}, Env: env})
			if err != nil || !strings.Contains(string(out), "--- PASS: TestGuest ") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// asGuest is the environment variable with the locations that a guest reads and writes.
const asGuest = "AMIGO_TEST_GUEST"

// TestGuest is somebody who may only read, in the process that [TestServers] starts.
func TestGuest(t *testing.T) {
	from, to, told := strings.Cut(os.Getenv(asGuest), " ")
	if !told {
		return
	}
	newHost(t, from).takes(t)
	guest := newHost(t, to)
	guest.makes(t)
	if text := guest.told.text(event.Warning); !strings.HasPrefix(text, "base: not put into the shared cache: ") {
		t.Errorf("a guest writes: %q", text)
	}
}
