package boottest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
)

// seedHost is the name that the seed gives the machine.
const seedHost = "amigo-seed-test"

// seedFiles returns the files of a NoCloud seed that names the machine and
// lets a key in.
// https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
func seedFiles(authorizedKey string) map[string]string {
	return map[string]string{
		"meta-data": "instance-id: " + seedHost + "-1\n",
		"user-data": "#cloud-config\n" +
			"hostname: " + seedHost + "\n" +
			"ssh_authorized_keys:\n" +
			"  - " + authorizedKey + "\n",
	}
}

// makeSeed makes a disk with a NoCloud seed, a FAT file system that is named
// as NoCloud looks for it, and returns its path.
func makeSeed(ctx context.Context, dir, authorizedKey string) (string, error) {
	source := filepath.Join(dir, "seed")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return "", fmt.Errorf("making a seed: %w", err)
	}
	image := filepath.Join(dir, "seed.img")
	mcopy := command.Cmd{Name: "mcopy", Args: []string{"-i", image}}
	for name, content := range seedFiles(authorizedKey) {
		path := filepath.Join(source, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return "", fmt.Errorf("making a seed: %w", err)
		}
		mcopy.Args = append(mcopy.Args, path)
	}
	mcopy.Args = append(mcopy.Args, "::")
	mkfs := command.Cmd{Name: "mkfs.vfat", Args: []string{"-C", "-n", "CIDATA", image, "1024"}}
	for _, cmd := range []command.Cmd{mkfs, mcopy} {
		if err := command.Run(ctx, cmd); err != nil {
			return "", fmt.Errorf("making a seed: %w", err)
		}
	}
	return image, nil
}

// seedChecks are the checks of a machine that its platform has configured.
var seedChecks = []check{
	judge(seedRead).check("cloud-init has read the platform's configuration"),
	judge(seedNamed).check("the platform names the machine"),
	{"the platform's key lets the operator in", seedLogin},
}

func seedRead(i inside) (string, error) {
	result := i.text("cloud-result")
	if !strings.Contains(result, "NoCloud") || !strings.Contains(strings.ReplaceAll(result, " ", ""), `"errors":[]`) {
		return "", fmt.Errorf("its result is %q", result)
	}
	return "NoCloud", nil
}

func seedNamed(i inside) (string, error) {
	if name := i.text("hostname"); name != seedHost {
		return "", fmt.Errorf("its name is %q, not %q", name, seedHost)
	}
	return seedHost, nil
}

// seedLogin logs in as the operator, who must be able to become root.
func seedLogin(ctx context.Context, s *subject) (string, error) {
	operators := s.inside.lines("operators")
	if len(operators) == 0 {
		return "", errors.New("there is no operator, a member of the group sudo")
	}
	g, err := guest.Dial(ctx, s.vm.Addr(sshPort), operators[0], s.user, handshake, s.vm)
	if err != nil {
		return "", err
	}
	defer func() { _ = g.Close() }()
	id, err := g.Output(ctx, "sudo -n id -u")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(id) != "0" {
		return "", errors.New("sudo does not make the operator root")
	}
	return operators[0] + ", sudo", nil
}
