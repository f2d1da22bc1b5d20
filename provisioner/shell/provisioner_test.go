package shell

import (
	"os"
	"path/filepath"
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

func TestProvisionInline(t *testing.T) {
	p := prepared(t, map[string]any{
		"inline":           []string{"one", "two"},
		"environment_vars": []string{"A=it's"},
		"env":              map[string]string{"B": "b"},
		"remote_path":      "/tmp/x.sh",
		"skip_clean":       true,
	})
	comm := &packersdk.MockCommunicator{}
	data := map[string]any{"PackerHTTPAddr": "ERR_HTTP_ADDR_NOT_IMPLEMENTED_BY_BUILDER", "PackerHTTPIP": "10.0.2.2"}
	if err := p.Provision(t.Context(), packersdk.TestUi(t), comm, data); err != nil {
		t.Fatal(err)
	}
	if comm.UploadPath != "/tmp/x.sh" || comm.UploadData != "#!/bin/sh -e\none\ntwo\n" {
		t.Errorf("uploaded to %s: %q", comm.UploadPath, comm.UploadData)
	}
	want := `chmod +x /tmp/x.sh; A='it'"'"'s' B='b' PACKER_BUILDER_TYPE='t' PACKER_BUILD_NAME='b' PACKER_HTTP_IP='10.0.2.2'  /tmp/x.sh`
	if comm.StartCmd.Command != want {
		t.Errorf("ran\n%s\nnot\n%s", comm.StartCmd.Command, want)
	}
}

func TestProvisionFile(t *testing.T) {
	script := filepath.Join(t.TempDir(), "s.sh")
	if err := os.WriteFile(script, []byte("a\r\nb\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for binary, want := range map[bool]string{false: "a\nb\n", true: "a\r\nb\r\n"} {
		p := prepared(t, map[string]any{"script": script, "binary": binary, "execute_command": "sudo {{.Path}} {{.ID}}"})
		comm := &packersdk.MockCommunicator{}
		if err := p.Provision(t.Context(), packersdk.TestUi(t), comm, map[string]any{"ID": "7"}); err != nil {
			t.Fatal(err)
		}
		if comm.UploadData != want {
			t.Errorf("binary %v uploaded %q", binary, comm.UploadData)
		}
		if got := comm.StartCmd.Command; got != "rm -f "+p.config.RemotePath {
			t.Errorf("the last command is %q", got)
		}
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
	} {
		config := map[string]any{"inline": []string{"x"}, "skip_clean": true}
		for name, v := range c.config {
			config[name] = v
		}
		p := prepared(t, config)
		comm := &packersdk.MockCommunicator{StartExitStatus: c.status}
		err := p.Provision(t.Context(), packersdk.TestUi(t), comm, nil)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("status %d with %v: %v, want %q", c.status, c.config, err, c.fault)
		}
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
