package settings

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func sample(t testing.TB) Instance {
	t.Helper()
	text, err := os.ReadFile("testdata/initial_values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	i, err := Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestForImageIsGolden(t *testing.T) {
	i, err := ForImage(sample(t), map[string]string{
		"AMIGO_LAYOUT_SEARCH": "ontology  bioentity\tgeneral",
		"AMIGO_ROOT_TERMS":    `[{"id":"GO:0003674","label":"molecular function"}]`,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := i.Render()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "amigo.yaml", string(got))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestWith(t *testing.T) {
	for _, test := range []struct{ name, value, want, fault string }{
		{"AMIGO_BETA", "1", "1", ""},
		{"AMIGO_BETA", "True", "1", ""},
		{"AMIGO_BETA", "false", "0", ""},
		{"AMIGO_BETA", "2", "", "not a boolean"},
		{"AMIGO_BETA", "", "", "not a boolean"},
		{"AMIGO_DOWNLOAD_LIMIT", "5", "5", ""},
		{"AMIGO_DOWNLOAD_LIMIT", "5.5", "", "not a whole number"},
		{"AMIGO_DOWNLOAD_LIMIT", "many", "", "not a whole number"},
		{"AMIGO_DYNAMIC_URL", "https://amigo.example.org", "https://amigo.example.org", ""},
		{"AMIGO_DYNAMIC_URL", "it's", "", "apostrophe"},
		{"AMIGO_DYNAMIC_URL", "a\nb", "", "cannot be printed"},
		{"AMIGO_ROOT_TERMS", "{", "", "not JSON"},
		{"AMIGO_BTEA", "1", "", "did you mean AMIGO_BETA?"},
		{"AMIGO_DYNAMIC_URI", "x", "", "did you mean AMIGO_DYNAMIC_URL?"},
		{"COLOUR", "x", "", "no such setting; conf/.initial_values.yaml"},
	} {
		i, err := sample(t).With(map[string]string{test.name: test.value})
		if test.fault == "" && (err != nil || i.Text(test.name) != test.want) {
			t.Errorf("%s = %q: %q, %v; want %q", test.name, test.value, i.Text(test.name), err, test.want)
		}
		if test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault) || !strings.HasPrefix(err.Error(), test.name+": ")) {
			t.Errorf("%s = %q: %v; want %q", test.name, test.value, err, test.fault)
		}
	}
}

func TestWithTellsOfAllFaultsAndChangesNothing(t *testing.T) {
	i := sample(t)
	_, err := i.With(map[string]string{"AMIGO_BETA": "x", "AMIGO_VERBOSE": "y", "NOTHING": "z"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v; want three faults", err)
	}
	var unknown *UnknownError
	if !errors.As(err, &unknown) {
		t.Errorf("%v is not an UnknownError", err)
	}
	if i.Text("AMIGO_BETA") != "1" {
		t.Error("the settings were changed")
	}
}

func TestImagesFixWhatTheyMust(t *testing.T) {
	for name := range fixed {
		if _, err := ForImage(sample(t), map[string]string{name: "x"}); err == nil || !strings.Contains(err.Error(), "cannot be set") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServer(t *testing.T) {
	want := map[string]string{"AMIGO_PUBLIC_GOLR_URL": GOlrPrivate, "AMIGO_BETA": "1", "AMIGO_VERBOSE": "1"}
	if diff := cmp.Diff(want, Server(sample(t), nil)); diff != "" {
		t.Error(diff)
	}
	chosen := map[string]string{"AMIGO_BETA": "0", "AMIGO_PUBLIC_GOLR_URL": "https://golr.example.org/"}
	if diff := cmp.Diff(map[string]string{"AMIGO_VERBOSE": "1"}, Server(sample(t), chosen)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"https://golr.example.org"}, Origins(chosen)); diff != "" {
		t.Error(diff)
	}
}

// What was rendered is read as it was, whatever was in it.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{"", "a", "- x", "{}", "'", "yes", "1e3", "# c", "a: b", "\t", "é", "\"", "|", "null", "~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		i, err := sample(t).With(map[string]string{"AMIGO_DYNAMIC_URL": value})
		if err != nil {
			return
		}
		text, err := i.Render()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%q: %v\n%s", value, err, text)
		}
		if got := again.Text("AMIGO_DYNAMIC_URL"); got != value {
			t.Errorf("%q became %q", value, got)
		}
	})
}
