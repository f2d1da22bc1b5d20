package main

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestPullOnce: a pull asks for each file of the repository once, and reads each
// document of an image that is here once.
func TestPullOnce(t *testing.T) {
	asked := &requests{files: http.FileServer(http.Dir(makeRepository(t))), times: map[string]int{}}
	server := httptest.NewServer(asked)
	t.Cleanup(server.Close)
	data := t.TempDir()
	pull := func(channel string) map[string]int {
		asked.times = map[string]int{}
		var out bytes.Buffer
		err := command.Run(t.Context(), command.Cmd{
			Name: "amigo-image", Args: []string{"pull", server.URL, channel}, Stdout: &out, Stderr: &out,
			Env: []string{"HOME=" + t.TempDir(), "XDG_DATA_HOME=" + data},
		})
		if err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		return asked.times
	}
	once := func(what string, times map[string]int) {
		if len(times) < 2 {
			t.Errorf("%s: only %v was read", what, times)
		}
		for file, n := range times {
			if n > 1 {
				t.Errorf("%s: %s is read %d times", what, file, n)
			}
		}
	}
	once("the first pull", pull("stable"))
	opened := watch(t, filepath.Join(data, "amigo-image", "images", "2026-11-15", "distribution"))
	once("an update", pull("nightly"))
	once("an image that is here", opened())
}

// requests is a web server that counts what it is asked for.
type requests struct {
	files http.Handler
	mutex sync.Mutex
	times map[string]int // by path, but for files that come in ranges
}

func (r *requests) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Header.Get("Range") == "" {
		r.mutex.Lock()
		r.times[request.URL.Path]++
		r.mutex.Unlock()
	}
	r.files.ServeHTTP(w, request)
}

// watch returns how to learn how often each file of a directory was opened since.
func watch(t *testing.T, dir string) func() map[string]int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	// That a file is closed keeps two events that are alike apart.
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN|unix.IN_CLOSE); err != nil {
		t.Fatal(err)
	}
	return func() map[string]int {
		opened := map[string]int{}
		buffer := make([]byte, 1<<20)
		n, err := unix.Read(fd, buffer)
		if err != nil {
			t.Fatal(err)
		}
		for rest := buffer[:n]; len(rest) > 0; {
			mask, length := binary.NativeEndian.Uint32(rest[4:]), binary.NativeEndian.Uint32(rest[12:])
			name := string(bytes.TrimRight(rest[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+length], "\x00"))
			if mask&unix.IN_OPEN != 0 && path.Ext(name) == ".json" {
				opened[name]++
			}
			rest = rest[unix.SizeofInotifyEvent+length:]
		}
		return opened
	}
}
