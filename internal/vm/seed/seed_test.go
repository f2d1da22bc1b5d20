package seed

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.img")
	s := Seed{Instance: "i-1", Host: "amigo", AuthorizedKeys: []string{"ssh-ed25519 AAAA me: \"here\"", "ssh-rsa BBBB"}}
	for range 2 { // the second replaces the first
		if err := s.Write(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"meta-data": "instance-id: i-1\n",
		"user-data": "#cloud-config\nhostname: amigo\nssh_authorized_keys:\n" +
			`  - "ssh-ed25519 AAAA me: \"here\""` + "\n" + `  - "ssh-rsa BBBB"` + "\n",
	} {
		got, err := command.Output(t.Context(), command.Cmd{Name: "mtype", Args: []string{"-i", path, "::" + name}})
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	root := Seed{Host: "amigo", AuthorizedKeys: []string{"ssh-ed25519 AAAA"}, Root: true}
	want := "#cloud-config\nhostname: amigo\ndisable_root: false\nusers:\n  - name: root\n    lock_passwd: false\n" +
		"    ssh_authorized_keys:\n      - \"ssh-ed25519 AAAA\"\n"
	if got := root.files()["user-data"]; got != want {
		t.Errorf("root's: %q", got)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left: %s", strings.Join(left, " "))
	}
}
