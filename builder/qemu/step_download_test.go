package qemu

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// The address of a disk_image may hold a secret; whatever comes of the download,
// nobody sees it.
func TestDownloadHidesSecrets(t *testing.T) {
	t.Setenv("PACKER_CACHE_DIR", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/gone") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("disk"))
	}))
	defer server.Close()
	for _, base := range []string{server.URL + "/disk", server.URL + "/gone", "http://127.0.0.1:1/away"} {
		var shown bytes.Buffer
		state := new(multistep.BasicStateBag)
		state.Put("ui", &packersdk.BasicUi{Writer: &shown, ErrorWriter: &shown, PB: &packersdk.NoopProgressTracker{}})
		location := strings.Replace(base, "://", "://bob:s3cret@", 1) + "?sig=s3cret"
		step := &stepDownload{&DiskImage{URL: location, Checksum: "none"}}
		step.Run(t.Context(), state)
		text := shown.String()
		if err, ok := state.GetOk("error"); ok {
			text += err.(error).Error()
		}
		if !strings.Contains(text, "127.0.0.1") || strings.Contains(text, "s3cret") || strings.Contains(text, "bob") {
			t.Errorf("%s: %s", base, text)
		}
	}
}
