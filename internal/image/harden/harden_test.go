package harden

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func debian() *distro.Distro {
	d, err := distro.Find("debian")
	if err != nil {
		panic(err)
	}
	return d
}

var update = flag.Bool("update", false, "write the golden files")

var survey = Survey{
	Distro: debian(), Release: debian().Releases[0],
	Packages: []string{
		"apache2", "cloud-init", "cpp-12", "gcc-12", "gcc-12-base", "git", "jetty9", "libc6-dev", "libgcc-s1",
		"linux-image-6.1.0-40-cloud-amd64", "make", "nftables", "node-glob", "nodejs", "npm", "openssh-server", "perl",
	},
	Operators: []string{"amigo"},
	Runtime:   []string{"perl", "templates", "static", "conf/amigo.yaml"},
	Tree:      []string{"perl", "perl/bin", "conf", "conf/amigo.yaml", "conf/examples", "conf/examples/a", "node_modules", "node_modules/x"},
}

func TestScript(t *testing.T) {
	script := Script(Changes(survey, Settings{}))
	golden(t, "script.sh", script)
	check := command.Cmd{Name: "sh", Args: []string{"-n"}, Stdin: strings.NewReader(script)}
	if err := command.Run(t.Context(), check); err != nil {
		t.Error(err)
	}
}

func TestArchive(t *testing.T) {
	content, err := pack([]string{"node_modules", "conf/a file"}, "amigo")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	archive := tar.NewReader(bytes.NewReader(content))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(header.FileInfo().Mode().String() + " " + header.Name + "\n")
		body, _ := io.ReadAll(archive)
		if header.Name == removeList && string(body) != "node_modules\x00conf/a file\x00" {
			t.Errorf("the list is %q", body)
		}
		if bytes.Contains(body, []byte(operatorMark)) {
			t.Errorf("%s does not name the operator", header.Name)
		}
	}
	golden(t, "archive.txt", text.String())
}

func TestLeftovers(t *testing.T) {
	for _, test := range []struct {
		name             string
		keep, tree, want []string
	}{
		{"the sample", survey.Runtime, survey.Tree, []string{"conf/examples", "node_modules"}},
		{"absolute paths", []string{"/srv/amigo/perl/"}, []string{"/srv/amigo/perl/bin/amigo", "/srv/amigo/bin"}, []string{"bin"}},
		{"a name that begins like another", []string{"perl"}, []string{"perl", "perl5", "perl5/x"}, []string{"perl5"}},
		{"a file deep down", []string{"a/b/c"}, []string{"a", "a/b", "a/b/c", "a/b/d", "a/e"}, []string{"a/b/d", "a/e"}},
		{"order that hides a directory", []string{"z"}, []string{"a", "a-b", "a/c", "a/c/d"}, []string{"a", "a-b"}},
		{"everything is kept", []string{"."}, []string{"a", "b"}, nil},
		{"nothing is there", []string{"a"}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Leftovers(test.keep, test.tree)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnwanted(t *testing.T) {
	want := []string{"cpp-12", "gcc-12", "git", "libc6-dev", "make", "node-glob", "nodejs", "npm"}
	if diff := cmp.Diff(want, survey.Unwanted()); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsOff(t *testing.T) {
	dir := t.TempDir()
	const yaml = "AMIGO_BETA:\n  comment: a\n  type: boolean\n  value: 1\nAMIGO_ROOT:\n  value: 1\nAMIGO_VERBOSE:\n  value: 1\n"
	before := map[string]string{
		"conf/amigo.yaml":       yaml,
		"perl/bin/config.pl":    "$ENV{AMIGO_BETA}='1';\n$ENV{AMIGO_ROOT}='1';\n$ENV{AMIGO_VERBOSE}='1';\n",
		"static/js/a bundle.js": `{"beta":"1","x":"1"}`,
		"static/js/other.js":    `{"beta2":"1"}`,
	}
	after := map[string]string{
		"conf/amigo.yaml":       "AMIGO_BETA:\n  comment: a\n  type: boolean\n  value: 0\nAMIGO_ROOT:\n  value: 1\nAMIGO_VERBOSE:\n  value: 0\n",
		"perl/bin/config.pl":    "$ENV{AMIGO_BETA}='0';\n$ENV{AMIGO_ROOT}='1';\n$ENV{AMIGO_VERBOSE}='0';\n",
		"static/js/a bundle.js": `{"beta":"0","x":"1"}`,
		"static/js/other.js":    `{"beta2":"1"}`,
	}
	for name, content := range before {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	script := strings.ReplaceAll(flagsOff, root, dir)
	if err := command.Run(t.Context(), command.Cmd{Name: "sh", Args: []string{"-eu"}, Stdin: strings.NewReader(script)}); err != nil {
		t.Fatal(err)
	}
	for name, want := range after {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(want, string(got)))
		}
	}
}

func TestStartPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.html")
	const before = "<main>\n<h2>The data</h2>\n<p>x</p>\n<h2>Looking after this machine</h2>\n<p>There is no password\nyet</p>\n</main>\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(startPage, "/usr/share/amigo-image/www/index.html", path)
	if err := command.Run(t.Context(), command.Cmd{Name: "sh", Args: []string{"-eu"}, Stdin: strings.NewReader(script)}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(after), "no password") || !strings.Contains(string(after), "<p>x</p>") ||
		!strings.Contains(string(after), "Nobody has a password here") || !strings.HasSuffix(string(after), "</p>\n</main>\n") {
		t.Errorf("%v: %s", err, after)
	}
}

func TestParseSurveyRefuses(t *testing.T) {
	const next, system = stepMark + "\n", "debian\n12\n"
	for _, output := range []string{
		"", system, system + next + "perl\n", system + next + next + "amigo\n" + next + "perl\n" + next,
		system + next + "perl\n" + next + next + "perl\n" + next, system + next + "perl\n" + next + "amigo\n" + next + next + "x\n",
		"rocky\n10\n" + next + "perl\n" + next + "amigo\n" + next + "perl\n" + next + "x\n",
		"plan9\n4\n" + next + "perl\n" + next + "amigo\n" + next + "perl\n" + next + "x\n",
	} {
		if _, err := parseSurvey(output); err == nil {
			t.Errorf("%q was read", output)
		}
	}
}

// recorder is a machine that answers the survey and takes everything.
type recorder struct {
	script  string
	archive []byte
	fail    error
}

func (r *recorder) Run(_ context.Context, script string, out io.Writer) error {
	if script == surveyScript() {
		parts := []string{"debian\n12\n"}
		for _, lines := range [][]string{survey.Packages, survey.Operators, survey.Runtime, survey.Tree} {
			parts = append(parts, strings.Join(lines, "\n")+"\n")
		}
		_, err := io.WriteString(out, strings.Join(parts, stepMark+"\n"))
		return err
	}
	r.script = script
	_, _ = io.WriteString(out, stepMark+"build tools go\nRemoving git ...\n")
	return r.fail
}

func (r *recorder) Upload(_ context.Context, content io.Reader, size int64, _, _ string) (err error) {
	r.archive, err = io.ReadAll(content)
	if int64(len(r.archive)) != size {
		return errors.New("wrong size")
	}
	return err
}

func TestApply(t *testing.T) {
	for _, fail := range []error{nil, errors.New("no")} {
		machine := &recorder{fail: fail}
		if err := Apply(t.Context(), machine, Settings{}, event.Start(event.Discard, "harden", "")); !errors.Is(err, fail) {
			t.Fatal(err)
		}
		if machine.script != Script(Changes(survey, Settings{})) || len(machine.archive) == 0 {
			t.Error("the machine got something else")
		}
	}
}

func TestDigest(t *testing.T) {
	first, err := Digest(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Digest(Settings{}); err != nil || first != second || first == "" {
		t.Errorf("%q, then %q, %v", first, second, err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestSettings(t *testing.T) {
	for at, fine := range map[string]bool{"": true, "03:30": true, "23:59": true, "24:00": false, "3:30": false, "now": false, "03:30\";": false} {
		if err := (Settings{Reboot: at}).Validate(); fine != (err == nil) {
			t.Errorf("%q: %v", at, err)
		}
	}
	first, err := Digest(Settings{})
	if second, again := Digest(Settings{Reboot: "03:30"}); err != nil || again != nil || first == second {
		t.Errorf("%s, %s, %v, %v", first, second, err, again)
	}
}

// TestReboot makes the change twice, as an image that is hardened again.
func TestReboot(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc/apt/apt.conf.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	motd := filepath.Join(dir, "etc/motd")
	if err := os.WriteFile(motd, []byte("\nAmiGO\n\n  Logs:       here\n\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, set := range []Settings{{}, {Reboot: "03:30"}} {
		script := strings.ReplaceAll(set.reboot(), "/etc/", dir+"/etc/")
		if err := command.Run(t.Context(), command.Cmd{Name: "sh", Args: []string{"-eu"}, Stdin: strings.NewReader(script)}); err != nil {
			t.Fatal(err)
		}
	}
	const want = "\nAmiGO\n\n  Logs:       here\n  Security:   Debian's fixes are installed by themselves, every day\n  Reboots:    for a new kernel, by itself, at 03:30\n\n"
	if got, err := os.ReadFile(motd); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, string(got)))
	}
	conf, err := os.ReadFile(filepath.Join(dir, "etc/apt/apt.conf.d/53amigo-reboot"))
	if err != nil || !strings.Contains(string(conf), "Automatic-Reboot \"true\";") || !strings.Contains(string(conf), "Automatic-Reboot-Time \"03:30\";") {
		t.Errorf("%v\n%s", err, conf)
	}
}
