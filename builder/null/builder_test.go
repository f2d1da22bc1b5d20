package null

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/provisioner/shell"
)

// serve starts a real SSH server, and returns its port and the file of a key that gets in.
func serve(t *testing.T) (port int, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	hostKey, err := guest.NewKey("host")
	if err != nil {
		t.Fatal(err)
	}
	key, err := guest.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = listener.Addr().(*net.TCPAddr).Port
	config := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n", port, at("host_key"), at("authorized_keys"))
	err = errors.Join(
		listener.Close(),
		os.WriteFile(at("host_key"), hostKey.PEM, 0o600),
		os.WriteFile(at("key"), key.PEM, 0o600),
		os.WriteFile(at("authorized_keys"), []byte(key.AuthorizedKey+"\n"), 0o600),
		os.WriteFile(at("config"), []byte(config), 0o600),
		os.MkdirAll("/run/sshd", 0o755),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.Start(t.Context(), command.Cmd{Name: "/usr/sbin/sshd", Args: []string{"-D", "-f", at("config")}}); err != nil {
		t.Fatal(err)
	}
	return port, at("key")
}

// hook is what runs the provisioners.
type hook func(comm packersdk.Communicator, data map[string]any) error

func (h hook) Run(_ context.Context, name string, _ packersdk.Ui, comm packersdk.Communicator, data any) error {
	if name != packersdk.HookProvision {
		return nil
	}
	return h(comm, data.(map[string]any))
}

func prepared(t *testing.T, config map[string]any) *Builder {
	t.Helper()
	b := new(Builder)
	if _, warnings, err := b.Prepare(config); err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	return b
}

// TestRun: provisioners get a machine of which commands work, and know whose it is.
func TestRun(t *testing.T) {
	port, key := serve(t)
	b := prepared(t, map[string]any{
		"ssh_host": "127.0.0.1", "ssh_port": strconv.Itoa(port), "ssh_username": "root",
		"ssh_private_key_file": key, "ssh_timeout": "1m",
	})
	target := filepath.Join(t.TempDir(), "on the guest")
	made, err := b.Run(t.Context(), packersdk.TestUi(t), hook(func(comm packersdk.Communicator, data map[string]any) error {
		if data["ID"] != "Null" || data["Host"] != "127.0.0.1" || data["User"] != "root" || data["ConnType"] != "ssh" {
			t.Errorf("provisioners are told %v", data)
		}
		cmd := &packersdk.RemoteCmd{Command: fmt.Sprintf("id -u >'%s'", target)}
		return cmd.RunWithUi(t.Context(), comm, packersdk.TestUi(t))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "0\n" {
		t.Errorf("%q, %v", text, err)
	}
	if made.BuilderId() != "fnoeding.null" || made.Id() != "Null" || len(made.Files()) != 0 || made.Destroy() != nil {
		t.Errorf("the artifact is %+v", made)
	}
	if id := component.GeneratedData(made)["ID"]; id != "Null" {
		t.Errorf("post-processors are told ID %v", id)
	}
}

// TestShell: the provisioner's scripts run on a real machine, and nothing of them stays.
func TestShell(t *testing.T) {
	port, key := serve(t)
	b := prepared(t, map[string]any{
		"ssh_host": "127.0.0.1", "ssh_port": port, "ssh_username": "root", "ssh_private_key_file": key, "ssh_timeout": "1m",
	})
	dir := t.TempDir()
	_, err := b.Run(t.Context(), packersdk.TestUi(t), hook(func(comm packersdk.Communicator, data map[string]any) error {
		for name, config := range map[string]map[string]any{
			"line": {}, "file": {"use_env_var_file": true},
		} {
			config["env"] = map[string]string{"TEXT": "it's", "AT": filepath.Join(dir, name)}
			config["inline"] = []string{`echo "$TEXT" >"$AT"`}
			config["remote_folder"] = dir
			p := new(shell.Provisioner)
			if err := errors.Join(p.Prepare(config), p.Provision(t.Context(), packersdk.TestUi(t), comm, data)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"line", "file"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "it's\n" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRunWithoutGuest(t *testing.T) {
	b := prepared(t, map[string]any{"communicator": "none"})
	called := false
	_, err := b.Run(t.Context(), packersdk.TestUi(t), hook(func(comm packersdk.Communicator, data map[string]any) error {
		called = true
		if comm == nil || component.HasGuest(data) {
			t.Errorf("communicator %v, data %v", comm, data)
		}
		return nil
	}))
	if err != nil || !called {
		t.Errorf("provisioners run: %v, %v", called, err)
	}
}

func TestRunFails(t *testing.T) {
	b := prepared(t, map[string]any{"communicator": "none"})
	why := errors.New("a provisioner failed")
	made, err := b.Run(t.Context(), packersdk.TestUi(t), hook(func(packersdk.Communicator, map[string]any) error { return why }))
	if made != nil || !errors.Is(err, why) {
		t.Errorf("%v, %v", made, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("Ctrl-C"))
	if _, err := b.Run(ctx, packersdk.TestUi(t), hook(func(packersdk.Communicator, map[string]any) error { return nil })); err == nil || !strings.Contains(err.Error(), "Ctrl-C") {
		t.Errorf("stopped: %v", err)
	}
}

func TestPrepare(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]any
		faults []string
	}{
		"no guest":     {map[string]any{"communicator": "none"}, nil},
		"a password":   {map[string]any{"ssh_host": "h", "ssh_username": "u", "ssh_password": "p"}, nil},
		"an agent":     {map[string]any{"ssh_host": "h", "ssh_username": "u", "ssh_agent_auth": true}, nil},
		"WinRM":        {map[string]any{"communicator": "winrm", "winrm_host": "h", "winrm_username": "u", "winrm_password": "p"}, nil},
		"nothing":      {map[string]any{}, []string{"ssh_host: it is missing", "ssh_username", "give one of them"}},
		"two logins":   {map[string]any{"ssh_host": "h", "ssh_username": "u", "ssh_password": "p", "ssh_agent_auth": true}, []string{"give only one"}},
		"WinRM, bare":  {map[string]any{"communicator": "winrm"}, []string{"winrm_host: it is missing", "winrm_username", "winrm_password: it is missing"}},
		"no such type": {map[string]any{"communicator": "smoke"}, []string{"smoke"}},
	} {
		_, _, err := new(Builder).Prepare(c.config)
		if (err == nil) != (c.faults == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.faults {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
	}
}
