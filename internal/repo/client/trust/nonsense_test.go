package trust

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
)

// nonsense is what is not metadata, or none that may be believed.
var nonsense = []string{
	``, `null`, `{}`, `[]`, `1e400`, "\x00", `{"signed":null,"signatures":null}`,
	`{"signed":{},"signatures":[]}`,
	`{"signed":{"_type":"root","keys":null,"roles":null,"version":1,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	`{"signed":{"_type":"root","keys":{"a":null},"roles":{"root":null},"version":1,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[null]}`,
	`{"signed":{"_type":"timestamp","meta":null,"version":1.5,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	`{"signed":{"_type":"timestamp","meta":{"snapshot.json":null},"version":9,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	`{"signed":{"_type":"snapshot","meta":{"targets.json":null},"version":9,"version":10,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	`{"signed":{"_type":"targets","targets":{"x":null},"delegations":{"keys":null,"roles":[null]},"version":9,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	`{"signed":{"_type":"targets","targets":{"x":{"length":-1,"hashes":{"sha256":"zz"}}},"delegations":{"succinct_roles":{"bit_length":99}},"version":9,"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31"},"signatures":[]}`,
	strings.Repeat(`{"signed":`, 10_000) + strings.Repeat(`}`, 10_000),
	strings.Repeat(`[`, 100_000),
}

// kinds are the files that a reader reads, of a repository whose timestamp
// says nothing of the digests.
var kinds = []string{"metadata/1.root.json", "metadata/2.root.json", timestampPath, "metadata/3.snapshot.json", "metadata/1.targets.json", "metadata/3.nightly.json"}

func careless(t testing.TB) *rig {
	t.Helper()
	r := newRig(t)
	r.forge(forgery{
		nightly:  func(*metadata.TargetsType) {},
		snapshot: func(md *metadata.SnapshotType) { md.Meta["targets.json"] = metadata.MetaFile(1) },
	})
	r.wantVersion("nightly", "1")
	return r
}

// try looks at a repository in which one file has another content.
func (r *rig) try(t *testing.T, kind, content string) error {
	t.Helper()
	r.answer = func(path string) ([]byte, error) {
		if path == kind {
			return []byte(content), nil
		}
		return nil, nil
	}
	view, err := r.readerAt(t.TempDir()).Refresh(t.Context())
	if err == nil {
		_, err = view.Channel(t.Context(), "nightly")
	}
	return err
}

// FuzzFiles puts nonsense in the place of each file: an error, no panic.
func FuzzFiles(f *testing.F) {
	for kind := range kinds {
		for _, content := range nonsense {
			f.Add(uint(kind), content)
		}
	}
	r := careless(f)
	f.Fuzz(func(t *testing.T, number uint, content string) {
		kind := kinds[number%uint(len(kinds))]
		if content != string(r.files[kind]) {
			wantError[*UntrustedError](t, r.try(t, kind, content))
		}
	})
}

// TestLimits reads from a real server files that are too long, or do not end.
func TestLimits(t *testing.T) {
	r := newRig(t)
	for kind, limit := range map[string]int{"metadata/1.root.json": rootLimit, timestampPath: timestampLimit, "metadata/2.snapshot.json": snapshotLimit} {
		for name, length := range map[string]int{"one byte": limit + 1, "endless": -1} {
			t.Run(kind+", "+name, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
					path := strings.TrimPrefix(request.URL.Path, "/")
					if path == kind {
						endless(w, length)
						return
					}
					content, ok := r.files[path]
					if !ok {
						w.WriteHeader(http.StatusNotFound)
					}
					_, _ = w.Write(content)
				}))
				defer server.Close()
				o, err := origin.Open(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				client := OpenAt(t.TempDir(), o, nil)
				client.Now = func() time.Time { return noon }
				_, err = client.Refresh(t.Context())
				wantError[*UntrustedError](t, err)
				if !errors.As(err, new(*origin.SizeError)) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// endless writes length bytes, or, if that is below 0, until nobody reads.
func endless(w io.Writer, length int) {
	for chunk := []byte(strings.Repeat(" ", 1<<10)); length != 0; {
		if length > 0 && length < len(chunk) {
			chunk = chunk[:length]
		}
		n, err := w.Write(chunk)
		if err != nil {
			return
		}
		if length > 0 {
			length -= n
		}
	}
}
