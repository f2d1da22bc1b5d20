package night

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
)

func read(t *testing.T, text string) (File, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nightly.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := Read(path)
	return file, filepath.Dir(path), err
}

func TestRead(t *testing.T) {
	got, dir, err := read(t, `
template   = "amigo.pkr.hcl"
variables  = { amigo_ref = "main" }
repository = "file:///srv/www/images"
state      = "/var/lib/amigo-image"
budget     = "90m"
cache      = "2m"
keep {
  hourly  = 24
  daily   = 7
  monthly = 12
}
`)
	want := File{
		Template: filepath.Join(dir, "amigo.pkr.hcl"), Variables: map[string]string{"amigo_ref": "main"},
		Directories: []string{filepath.Join(dir, "output/distribution"), filepath.Join(dir, "output/production")},
		Repository:  "file:///srv/www/images", Channel: "nightly", State: "/var/lib/amigo-image",
		BudgetText: "90m", Budget: 90 * time.Minute, CacheText: "2m", Cache: keep.Span{Months: 2}, MaxLossText: "5%", MaxLoss: 0.05, Keep: &Keep{Hourly: 24, Daily: 7, Monthly: 12},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestRelativePaths(t *testing.T) {
	for repository, want := range map[string]string{
		"www": "DIR/www", "../www": "DIR/../www", "/srv/www": "/srv/www", "s3://bucket": "s3://bucket",
	} {
		got, dir, err := read(t, fmt.Sprintf("template = \"t\"\nrepository = %q\nstate = \"s\"\nvariables = { output = \"o\" }\n", repository))
		if !strings.Contains(want, "://") {
			want = filepath.Clean(strings.Replace(want, "DIR", dir, 1))
		}
		if err != nil || got.Repository != want || got.State != filepath.Join(dir, "s") || got.Variables["output"] != "o" {
			t.Errorf("%s: %v, %+v; want %s", repository, err, got, want)
		}
	}
}

// TestExample: what the examples show can be read.
func TestExample(t *testing.T) {
	file, err := Read("../../../../examples/nightly/nightly.hcl")
	if err != nil || file.Keep == nil || file.Cache != (keep.Span{Days: 30}) || file.Template != "/usr/local/share/amigo-image/amigo" {
		t.Errorf("%v: %+v", err, file)
	}
}

func TestFaults(t *testing.T) {
	const good = "template = \"t\"\nrepository = \"mem://\"\nstate = \"s\"\n"
	for want, text := range map[string]string{
		`"template" is required`:   "repository = \"mem://\"\nstate = \"s\"\n",
		`did you mean "budget"`:    good + "budgett = \"3h\"",
		`"soon" is not a time`:     good + `budget = "soon"`,
		"cache: \"soon\"":          good + `cache = "soon"`,
		`not a valid channel name`: good + `channel = "../x"`,
		"repository: s3:b is not the address of a repository: it lacks //; is s3://b meant?": "template = \"t\"\nrepository = \"s3:b\"\nstate = \"s\"\n",
		"state: it is empty": "template = \"t\"\nrepository = \"mem://\"\nstate = \"\"\n",
		"keep.within":        good + "keep {\n within = \"soon\"\n}",
		`max_loss: "5" is neither a part like "5%"`: good + "max_loss = 5",
		"nightly.hcl:4": good + "keep {",
	} {
		_, _, err := read(t, text)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, _, err := read(t, "budget = \"soon\"\n"+good+"channel = \"X\"")
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not every fault: %v", err)
	}
	var shown *Error
	if _, _, err := read(t, "}"); !errors.As(err, &shown) || len(shown.Files) == 0 {
		t.Errorf("%v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("template = \"t\"\nkeep {}\n")
	f.Add("x = [for")
	path := filepath.Join(f.TempDir(), "nightly.hcl")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = Read(path)
	})
}
