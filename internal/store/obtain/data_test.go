package obtain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/repositorytest"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// published are three versions of which the first two have the same data.
func published(t *testing.T) *repositorytest.Repository {
	t.Helper()
	r := repositorytest.New(t, time.Now().Add(-time.Hour))
	r.Data = "2026-10-07"
	r.Add("nightly", "2026-11-20", "distribution", manifest.DataVariant)
	r.Add("nightly", "2026-11-21", "distribution", manifest.DataVariant)
	if _, err := r.Promote(t.Context(), repository.Promotion{From: "nightly", Channel: "stable"}); err != nil {
		t.Fatal(err)
	}
	r.Data = "2026-11-05"
	r.Add("nightly", "2026-11-22", "distribution", manifest.DataVariant)
	return r
}

// TestDataOfSeveralVersions: data that several versions have are in the repository once, and
// once on this host.
func TestDataOfSeveralVersions(t *testing.T) {
	repo := published(t)
	files := func(version string) []string {
		found, err := filepath.Glob(filepath.Join(repo.Dir, "versions", version, "*-data*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if first, second, third := files("2026-11-20"), files("2026-11-21"), files("2026-11-22"); len(first) != 4 || len(second) != 0 || len(third) != 4 {
		t.Errorf("files with data: %q, %q, %q", first, second, third)
	}

	r := read(t, repo.Dir)
	system := r.pull("2026-11-20", "distribution")
	if _, apart, err := r.store.Data(system); !apart || !errors.As(err, new(*imagestore.MissingError)) {
		t.Errorf("before its data are here: %v, %v", apart, err)
	}
	first := r.pull("2026-11-20", manifest.DataVariant)
	if data, apart, err := r.store.Data(system); !apart || err != nil || data.Dir != first.Dir {
		t.Errorf("its data are %+v, %v, %v", data, apart, err)
	}
	plan := r.plan("stable", manifest.DataVariant)
	second, result, err := r.Pull(t.Context(), plan, event.Discard)
	if err != nil || plan.Steps.Fetch != 0 || result.Fetched != 0 || !result.Present {
		t.Errorf("the same data: %+v, %v", result, err)
	}
	one, err1 := os.Stat(first.Disk())
	other, err2 := os.Stat(second.Disk())
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(one, other) {
		t.Errorf("they take their place twice (%v)", err)
	}
	if update := plan.Image.Updates["2026-11-20"]; update != 0 || plan.Image.In != "2026-11-20" {
		t.Errorf("who has them fetches %d (%+v)", update, plan.Image)
	}
	if plan := r.plan("nightly", manifest.DataVariant); plan.Steps.Fetch == 0 {
		t.Error("nothing of a new release is new")
	}

	// Who begins with the second gets what the first has brought, by the signature of the
	// channel that names the second alone.
	fresh := read(t, repo.Dir)
	fresh.pull("stable", manifest.DataVariant)
	name := filepath.Base(files("2026-11-20")[slices.IndexFunc(files("2026-11-20"), func(name string) bool { return strings.HasSuffix(name, ".qcow2") })])
	if found, ok, err := fresh.Find(t.Context(), name, "?"); err != nil || !ok || found.Version.Holder(name) != "2026-11-20" {
		t.Errorf("%s: %+v, %v, %v", name, found, ok, err)
	}
	side, err := fresh.Side(t.Context(), fresh.resolve("stable"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := changes.Load(t.Context(), filepath.Join(repo.Dir, "versions", "2026-11-21"))
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []changes.Side{side, old} {
		for _, v := range side.Variants {
			index, err := v.Index()
			if err != nil {
				t.Fatalf("%s of %s: %v", v.Name, side.Name, err)
			}
			_ = index.Close()
		}
	}
}

// TestPruneKeepsWhatIsLent: a version that brought what others have stays as long as they do.
func TestPruneKeepsWhatIsLent(t *testing.T) {
	repo := published(t)
	done, err := repo.Prune(t.Context(), repository.Rules{Policy: keep.Policy{Last: 1}, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range done.Decisions {
		why := strings.Join(d.Reasons, ", ")
		if d.Version == "2026-11-20" && (!d.Keep || why != "2026-11-21 uses its data image") {
			t.Errorf("%+v", d)
		}
	}
	if _, err := repo.Promote(t.Context(), repository.Promotion{From: "nightly", Channel: "stable"}); err != nil {
		t.Fatal(err)
	}
	repo.Add("stable", "2026-11-23", "distribution", manifest.DataVariant)
	repo.Add("nightly", "2026-11-24", "distribution", manifest.DataVariant)
	if done, err = repo.Prune(t.Context(), repository.Rules{Policy: keep.Policy{Last: 1}}); err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, stone := range done.Withdrawn {
		gone = append(gone, stone.Version)
	}
	if !slices.Equal(gone, []string{"2026-11-21", "2026-11-20"}) {
		t.Errorf("withdrawn: %q (%+v)", gone, done.Decisions)
	}
	r := read(t, repo.Dir)
	r.pull("stable", manifest.DataVariant)
}

// TestPruneKeepsLendersOfLenders: a version that stays because it lends needs its own lender.
func TestPruneKeepsLendersOfLenders(t *testing.T) {
	repo := repositorytest.New(t, time.Now().Add(-time.Hour))
	repo.Same = map[string]string{"production": "1"}
	repo.Add("nightly", "2026-11-20", "distribution", "production")
	repo.Add("nightly", "2026-11-21", "distribution", "production")
	repo.Same = map[string]string{"distribution": "2026-11-21"}
	repo.Add("nightly", "2026-11-22", "distribution", "production")
	repo.Same = nil
	repo.Add("nightly", "2026-11-24", "distribution", "production")
	done, err := repo.Prune(t.Context(), repository.Rules{Policy: keep.Policy{Last: 1}})
	if err != nil || len(done.Withdrawn) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestDataThatDoNotFit: images and data that were not tested together are not published.
func TestDataThatDoNotFit(t *testing.T) {
	repo := repositorytest.New(t, time.Now().Add(-time.Hour))
	publish := func(change func(map[string]*manifest.Manifest)) error {
		t.Helper()
		images := map[string]*manifest.Manifest{}
		dir := repositorytest.Images(t, "2026-11-20", "2026-10-07", "distribution", manifest.DataVariant)
		for _, variant := range []string{"distribution", manifest.DataVariant} {
			m, err := manifest.ReadFile(filepath.Join(dir, variant, manifest.FileName))
			if err != nil {
				t.Fatal(err)
			}
			images[variant] = &m
		}
		change(images)
		for _, variant := range []string{"distribution", manifest.DataVariant} {
			m := images[variant]
			if m == nil {
				if err := os.RemoveAll(filepath.Join(dir, variant)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			text, err := m.Encode()
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, variant, manifest.FileName), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err := repo.Publish(t.Context(), repository.Release{Directories: []string{dir}, Channel: "nightly"})
		return err
	}
	for want, change := range map[string]func(map[string]*manifest.Manifest){
		"has its data on a disk of their own": func(m map[string]*manifest.Manifest) { delete(m, manifest.DataVariant) },
		"was tested with other data":          func(m map[string]*manifest.Manifest) { m["distribution"].GOlr.Documents++ },
		"was tested with other data than":     func(m map[string]*manifest.Manifest) { m[manifest.DataVariant].GOlr.Schema = "other" },
		"no image that is published with it":  func(m map[string]*manifest.Manifest) { m["distribution"].GOlr.On = "" },
		"has data, and no image":              func(m map[string]*manifest.Manifest) { delete(m, "distribution") },
	} {
		var wrong *repository.DataError
		if err := publish(change); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := publish(func(map[string]*manifest.Manifest) {}); err != nil {
		t.Error(err)
	}
}
