package obtain

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/repositorytest"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// isDisk fails the test unless an image's disk is the one that was published.
func isDisk(t *testing.T, image imagestore.Image) {
	t.Helper()
	got, err := os.ReadFile(image.Disk())
	if err != nil || !bytes.Equal(got, repositorytest.Disk(image.Variant, image.Version)) {
		t.Errorf("%s is not the disk of %s: %v", image.Disk(), image.Name(), err)
	}
}

// TestPull: an image comes whole, and only once; the next version takes from it
// what both have.
func TestPull(t *testing.T) {
	s := serve(t, location(t))
	r := read(t, s.URL)
	first := r.plan("stable", "production")
	if first.Seed != "" || first.Steps.Fetch == 0 || first.Total < first.Steps.Fetch {
		t.Errorf("%+v", first)
	}
	image, result, err := r.Pull(t.Context(), first, event.Discard)
	if err != nil || result.Fetched != first.Steps.Fetch || result.Present {
		t.Fatalf("%+v, %v", result, err)
	}
	isDisk(t, image)
	if image.Source.Repository != s.URL || image.Source.Added.IsZero() {
		t.Errorf("it came from %+v", image.Source)
	}
	if !first.Choice.Is(image) || r.resolve("nightly").Is(image) {
		t.Error("it is taken for another version")
	}
	asked := s.requests.Load()
	again, result, err := r.Pull(t.Context(), first, event.Discard)
	if err != nil || !result.Present || again.Dir != image.Dir || s.requests.Load() != asked {
		t.Errorf("the second time: %+v, %v, %d requests", result, err, s.requests.Load()-asked)
	}
	second := r.plan("nightly", "production")
	if second.Seed != image.Name() || second.Steps.Reused == 0 || second.Steps.Fetch >= first.Steps.Fetch {
		t.Errorf("%s gives %d bytes, %d come", second.Seed, second.Steps.Reused, second.Steps.Fetch)
	}
	isDisk(t, r.pull("nightly", "production"))
}

// TestPullOfADirectory: a repository may be a directory of this host.
func TestPullOfADirectory(t *testing.T) {
	r := read(t, location(t))
	isDisk(t, r.pull("nightly", "distribution"))
	if place := r.Origin().URL(""); filepath.Clean(place) != r.Location {
		t.Errorf("it comes from %s", place)
	}
}

func TestVariantThatIsNotThere(t *testing.T) {
	r := read(t, location(t))
	_, err := r.Plan(t.Context(), r.resolve("nightly"), "productiom")
	var missing *VariantError
	if !errors.As(err, &missing) || len(missing.Known) != 2 {
		t.Fatalf("got %v", err)
	}
	if report := missing.Fault(); report.Code != fault.NotFound || report.What != "version "+newer+` has no variant "productiom"` {
		t.Errorf("%+v", report)
	}
}

// TestFaults: what is not there or not what was signed is one kind of error,
// and nothing comes into the store.
func TestFaults(t *testing.T) {
	dir := location(t)
	lost := func(err error) bool { return errors.As(err, new(*LostError)) }
	mismatch := func(err error) bool { return errors.As(err, new(*MismatchError)) }
	for name, c := range map[string]struct {
		files   string
		handler faulty.Handler
		is      func(error) bool
		status  int
	}{
		"no manifest":      {"/manifest.json$", faulty.Status(http.StatusNotFound), lost, fault.Network},
		"no index":         {`\.chunks$`, faulty.Status(http.StatusNotFound), lost, fault.Network},
		"no frames":        {`\.raw\.zst$`, faulty.Status(http.StatusNotFound), lost, fault.Network},
		"another manifest": {"/manifest.json$", faulty.Altered, mismatch, fault.Verify},
		"another index":    {`\.chunks$`, faulty.Altered, mismatch, fault.Verify},
		"other frames":     {`\.raw\.zst$`, faulty.Altered, func(err error) bool { return err != nil }, fault.Verify},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, dir)
			s.spoil(c.files, c.handler)
			r := read(t, s.URL)
			err := r.try(t.Context(), "stable", "production")
			var reporter fault.Reporter
			if !c.is(err) || !errors.As(err, &reporter) || reporter.Fault().Code != c.status {
				t.Errorf("got %T: %v", err, err)
			}
			if images, err := r.store.Images(); err != nil || len(images) > 0 {
				t.Errorf("in the store is %v, %v", images, err)
			}
			s.fault.Store(nil)
			isDisk(t, r.pull("stable", "production"))
		})
	}
}

// TestBegun: what an unfinished pull has left is known, and its index is not
// asked for again.
func TestBegun(t *testing.T) {
	s := serve(t, location(t))
	r := read(t, s.URL)
	plan := r.plan("stable", "production")
	if r.Begun(plan) {
		t.Error("nobody has begun")
	}
	s.spoil(`\.raw\.zst$`, faulty.Cut)
	if _, _, err := r.Pull(t.Context(), plan, event.Discard); err == nil {
		t.Fatal("half of an image was taken")
	}
	if !r.Begun(plan) {
		t.Error("nothing is left of the pull")
	}
	s.spoil(`\.chunks$`, faulty.Status(http.StatusNotFound))
	isDisk(t, r.pull("stable", "production"))
	if r.Begun(plan) {
		t.Error("something is left of a pull that ended")
	}
}

// TestIndexWithoutRanges: a server that breaks off and cannot send parts is
// asked for the whole index again, but not for ever.
func TestIndexWithoutRanges(t *testing.T) {
	breaks := func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		if r.Header.Get("Range") != "" {
			faulty.WithoutRanges(w, r, n, content)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		faulty.Closed(w, r, n, content)
	}
	dir := location(t)
	for breakages, good := range map[int64]bool{1: true, 1 << 20: false} {
		s := serve(t, dir)
		s.spoil(`\.chunks$`, faulty.First(breakages, breaks))
		r := read(t, s.URL)
		if err := r.try(t.Context(), "stable", "production"); (err == nil) != good {
			t.Errorf("%d answers that break off: %v", breakages, err)
		}
	}
}

// TestFind: a file is known by its digest, else by its name, with the image
// that it belongs to, and offline what was verified before is remembered.
func TestFind(t *testing.T) {
	s := serve(t, location(t))
	r := read(t, s.URL)
	qcow2 := "amigo-" + newer + "-production.qcow2"
	named, ok, err := r.Find(t.Context(), qcow2, "")
	if err != nil || !ok || named.Variant != "production" || named.Version.Version != newer || named.Choice.Channel != "nightly" {
		t.Fatalf("by its name: %+v, %v, %v", named, ok, err)
	}
	raw := manifest.Digest(repositorytest.Disk("production", older))
	for name, c := range map[string]struct {
		sha256, name, version string
	}{
		"a file under another name": {named.SHA256, qcow2, newer},
		"a raw disk":                {raw, "", older},
	} {
		found, ok, err := r.Find(t.Context(), "disk.img", c.sha256)
		if err != nil || !ok || found.Name != c.name || found.Version.Version != c.version {
			t.Errorf("%s: %+v, %v, %v", name, found, ok, err)
		}
		found, ok, err = Remembered(r.store, s.URL, "disk.img", c.sha256)
		if err != nil || !ok || found.Name != c.name || found.Version.Version != c.version {
			t.Errorf("%s, offline: %+v, %v, %v", name, found, ok, err)
		}
	}
	if _, ok, err := r.Find(t.Context(), "thesis.pdf", raw[1:]+"0"); err != nil || ok {
		t.Errorf("a file of others: %v, %v", ok, err)
	}
	if found, ok, err := Remembered(r.store, s.URL, qcow2, ""); err != nil || !ok || found.SHA256 != named.SHA256 {
		t.Errorf("by its name, offline: %+v, %v, %v", found, ok, err)
	}
	if _, ok, err := Remembered(imagestore.At(t.TempDir()), s.URL, qcow2, raw); err != nil || ok {
		t.Errorf("nothing was verified here: %v, %v", ok, err)
	}
}

// TestRawDisk: an image in the store knows what its disk should be, even if
// only its manifest is left.
func TestRawDisk(t *testing.T) {
	r := read(t, location(t))
	image := r.pull("nightly", "production")
	want := manifest.Digest(repositorytest.Disk("production", newer))
	if disk := RawDisk(image); disk == nil || disk.SHA256 != want || disk.Size != 8<<20 {
		t.Errorf("%+v", disk)
	}
	if found, ok, err := Remembered(r.store, "elsewhere", "", want); err != nil || !ok || found.Variant != "production" {
		t.Errorf("%+v, %v, %v", found, ok, err)
	}
	image.Variant = "another"
	if disk := RawDisk(image); disk != nil {
		t.Errorf("%+v", disk)
	}
}
