package boottest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/seed"
)

// seedHost is the name that the seed gives the machine.
const seedHost = "amigo-seed-test"

// makeSeed makes a disk that names the machine and lets a key in, and returns
// its path.
func makeSeed(ctx context.Context, dir, authorizedKey string) (string, error) {
	path := filepath.Join(dir, "seed.img")
	s := seed.Seed{Instance: seedHost + "-1", Host: seedHost, AuthorizedKeys: []string{authorizedKey}}
	return path, s.Write(ctx, path)
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
func seedLogin(ctx context.Context, s subject) (string, error) {
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
