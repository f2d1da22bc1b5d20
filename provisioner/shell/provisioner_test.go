package shell

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func prepared(t *testing.T, config map[string]any) *Provisioner {
	t.Helper()
	p := new(Provisioner)
	if err := p.Prepare(map[string]any{"packer_build_name": "b", "packer_builder_type": "t"}, config); err != nil {
		t.Fatal(err)
	}
	return p
}

// guest notes what is done to it. Its commands succeed, but for the script.
type guest struct {
	packersdk.MockCommunicator
	files  map[string]string // by path, as they were uploaded
	ran    []string
	status int // exit status of whatever is not a chmod or an rm
}

func (g *guest) Upload(path string, r io.Reader, _ *os.FileInfo) error {
	text, err := io.ReadAll(r)
	if g.files == nil {
		g.files = map[string]string{}
	}
	g.files[path] = string(text)
	return err
}

func (g *guest) Start(_ context.Context, cmd *packersdk.RemoteCmd) error {
	g.ran = append(g.ran, cmd.Command)
	status := g.status
	if word, _, _ := strings.Cut(cmd.Command, " "); word == "rm" || strings.HasPrefix(cmd.Command, "chmod 0") {
		status = 0
	}
	cmd.SetExited(status)
	return nil
}

func TestProvision(t *testing.T) {
	script := filepath.Join(t.TempDir(), "s.sh")
	if err := os.WriteFile(script, []byte("a\r\nb\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const (
		packer = "PACKER_BUILDER_TYPE='t' PACKER_BUILD_NAME='b' "
		chmod  = "chmod 0755 /tmp/x.sh"
		run    = "chmod +x /tmp/x.sh; " + packer + " /tmp/x.sh"
		remove = "rm -f /tmp/x.sh"
	)
	for name, c := range map[string]struct {
		config map[string]any
		script string
		ran    []string
	}{
		"inline":          {map[string]any{"inline": []string{"one", "two"}}, "#!/bin/sh -e\none\ntwo\n", []string{chmod, run, remove}},
		"inline_shebang":  {map[string]any{"inline": []string{"#!/bin/awk -f"}, "inline_shebang": "/bin/bash"}, "#!/bin/bash\n#!/bin/awk -f\n", []string{chmod, run, remove}},
		"its own shebang": {map[string]any{"inline": []string{"#!/bin/awk -f", "{}"}}, "#!/bin/awk -f\n{}\n", []string{chmod, run, remove}},
		"build's data":    {map[string]any{"inline": []string{"echo {{`{{.ID}}`}}"}}, "#!/bin/sh -e\necho 7\n", []string{chmod, run, remove}},
		"script":          {map[string]any{"script": script}, "a\nb\n", []string{chmod, run, remove}},
		"binary":          {map[string]any{"scripts": []string{script}, "binary": true}, "a\r\nb\r\n", []string{chmod, run, remove}},
		"skip_clean":      {map[string]any{"script": script, "skip_clean": true}, "a\nb\n", []string{chmod, run}},
		"execute_command": {map[string]any{"script": script, "execute_command": "sudo {{.Path}} {{.ID}}"}, "a\nb\n", []string{chmod, "sudo /tmp/x.sh 7", remove}},
		"env_var_format":  {map[string]any{"script": script, "env_var_format": "%s=%s ", "execute_command": "env {{.Vars}}{{.Path}}"}, "a\nb\n", []string{chmod, "env PACKER_BUILDER_TYPE=t PACKER_BUILD_NAME=b /tmp/x.sh", remove}},
		"variables": {
			map[string]any{"script": script, "environment_vars": []string{"A=it's", "B=never"}, "env": map[string]string{"B": "b"}}, "a\nb\n",
			[]string{chmod, `chmod +x /tmp/x.sh; A='it'"'"'s' B='b' ` + packer + " /tmp/x.sh", remove},
		},
	} {
		config := map[string]any{"remote_path": "/tmp/x.sh"}
		maps.Copy(config, c.config)
		g := new(guest)
		if err := prepared(t, config).Provision(t.Context(), packersdk.TestUi(t), g, map[string]any{"ID": "7"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := g.files["/tmp/x.sh"]; got != c.script {
			t.Errorf("%s: uploaded %q, want %q", name, got, c.script)
		}
		if !slices.Equal(g.ran, c.ran) {
			t.Errorf("%s: ran %q, want %q", name, g.ran, c.ran)
		}
	}
}

func TestRemotePath(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]any
		want   string
	}{
		"remote_folder":       {map[string]any{"remote_folder": "/opt", "remote_file": "y"}, "/opt/y"},
		"remote_file":         {map[string]any{"remote_file": "y"}, "/tmp/y"},
		"remote_path is more": {map[string]any{"remote_file": "y", "remote_path": "/srv/z"}, "/srv/z"},
	} {
		c.config["inline"] = []string{"x"}
		if got := prepared(t, c.config).config.RemotePath; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	one, other := prepared(t, map[string]any{"inline": []string{"x"}}), prepared(t, map[string]any{"inline": []string{"x"}})
	if path := one.config.RemotePath; path == other.config.RemotePath || !strings.HasPrefix(path, "/tmp/script_") {
		t.Errorf("two scripts have the name %s", path)
	}
}

// TestVariablesInFile: what the variables say is on no command line.
func TestVariablesInFile(t *testing.T) {
	g := new(guest)
	p := prepared(t, map[string]any{
		"inline": []string{"x"}, "use_env_var_file": true, "remote_path": "/tmp/x.sh", "env": map[string]string{"TOKEN": "it's"},
	})
	if err := p.Provision(t.Context(), packersdk.TestUi(t), g, nil); err != nil {
		t.Fatal(err)
	}
	file := p.config.varFile
	want := "export PACKER_BUILDER_TYPE='t'\nexport PACKER_BUILD_NAME='b'\nexport TOKEN='it'\"'\"'s'\n"
	if g.files[file] != want {
		t.Errorf("%s is %q, want %q", file, g.files[file], want)
	}
	ran := []string{
		"chmod 0600 " + file, "chmod 0755 /tmp/x.sh", "chmod +x /tmp/x.sh; . " + file + " && /tmp/x.sh", "rm -f /tmp/x.sh", "rm -f " + file,
	}
	if !slices.Equal(g.ran, ran) {
		t.Errorf("ran %q, want %q", g.ran, ran)
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		status int
		config map[string]any
		fault  string
	}{
		{0, nil, ""},
		{3, nil, "inline script: exit status 3"},
		{3, map[string]any{"valid_exit_codes": []int{0, 3}}, ""},
		{0, map[string]any{"valid_exit_codes": []int{3}}, "exit status 0"},
		{packersdk.CmdDisconnect, nil, "set expect_disconnect"},
		{packersdk.CmdDisconnect, map[string]any{"expect_disconnect": true}, ""},
		{packersdk.CmdDisconnect, map[string]any{"valid_exit_codes": []int{0, packersdk.CmdDisconnect}}, ""},
	} {
		config := map[string]any{"inline": []string{"x"}}
		maps.Copy(config, c.config)
		err := prepared(t, config).Provision(t.Context(), packersdk.TestUi(t), &guest{status: c.status}, nil)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("status %d with %v: %v, want %q", c.status, c.config, err, c.fault)
		}
	}
}

// TestNoGuest: nobody waits for a guest that is not there.
func TestNoGuest(t *testing.T) {
	p := prepared(t, map[string]any{"inline": []string{"x"}})
	err := p.Provision(t.Context(), packersdk.TestUi(t), new(guest), map[string]any{"ConnType": "none"})
	if err == nil || !strings.Contains(err.Error(), "shell-local") {
		t.Errorf("got %v", err)
	}
}

func TestPrepareTellsEveryFault(t *testing.T) {
	err := new(Provisioner).Prepare(map[string]any{
		"inline": []string{"x"}, "scripts": []string{"/no/such/script"}, "environment_vars": []string{"A", "=b"},
	})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{"exactly one", "/no/such/script", `"A" is not`, `"=b" is not`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
