//go:build vm && long

package test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// ec2 returns what EC2 tells a machine of itself, by
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
func ec2(key string) map[string]string {
	return map[string]string{
		"dynamic/instance-identity/document":    `{"instanceId": "i-0123456789abcdef0", "region": "eu-central-1"}`,
		"meta-data/hostname":                    "in-the-cloud.eu-central-1.compute.internal",
		"meta-data/instance-id":                 "i-0123456789abcdef0",
		"meta-data/local-hostname":              "in-the-cloud.eu-central-1.compute.internal",
		"meta-data/placement/availability-zone": "eu-central-1a",
		"meta-data/public-keys/0/openssh-key":   key,
	}
}

// TestEC2 starts the production variant as EC2 starts its machines: nothing is
// attached, and the metadata service has the name and the operator's key.
func TestEC2(t *testing.T) {
	key, err := guest.NewKey("operator")
	if err != nil {
		t.Fatal(err)
	}
	metadata := httptest.NewServer(metadataService(ec2(key.AuthorizedKey)))
	t.Cleanup(metadata.Close)
	ssh, page := freeAddress(t), freeAddress(t)
	// Its number is what tells a machine that it is in EC2.
	const number = "ec2e1916-9099-7caf-fd21-0123456789ab"
	process, err := command.Start(t.Context(), command.Cmd{Name: "qemu-system-x86_64", Args: []string{
		"-name", "amigo-test-ec2", "-nodefaults", "-display", "none", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "2048",
		"-drive", "if=virtio,format=qcow2,snapshot=on,file=" + disk("production"),
		"-nic", fmt.Sprintf("user,model=virtio-net-pci,restrict=on,net=169.254.0.0/16,hostfwd=tcp:%s-:22,hostfwd=tcp:%s-:80,"+
			"guestfwd=tcp:169.254.169.254:80-cmd:socat - TCP:%s", ssh, page, metadata.Listener.Addr()),
		"-smbios", "type=1,uuid=" + number + ",serial=" + number,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Signal(syscall.SIGKILL) })
	shell, err := guest.Dial(t.Context(), ssh, "amigo", key, patience, inCloud{process})
	if err != nil {
		t.Fatal(err)
	}
	said, err := shell.Output(t.Context(), "hostname; sudo -n id -u; cloud-id")
	if got := strings.Fields(said); err != nil || !slices.Equal(got, []string{"in-the-cloud", "0", "aws"}) {
		t.Errorf("%q, %v", got, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	t.Log(open(ctx, t, process, "http://"+page))
}

// inCloud is a machine to wait for.
type inCloud struct{ process *command.Process }

func (m inCloud) Exited() <-chan struct{} { return m.process.Done() }
func (m inCloud) Err() error              { return m.process.Wait() }

// metadataService answers as EC2's does, to those that have asked for a token.
func metadataService(facts map[string]string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "token")
	})
	mux.HandleFunc("GET /2021-03-23/{path...}", func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimSuffix(r.PathValue("path"), "/")
		content, ok := facts[path]
		if !ok {
			content = below(facts, path)
		}
		switch {
		case r.Header.Get("X-aws-ec2-metadata-token") != "token":
			w.WriteHeader(http.StatusUnauthorized)
		case content == "":
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = fmt.Fprint(w, content)
		}
	})
	return mux
}

// below lists the names in a directory. That of the keys has their names, too.
func below(facts map[string]string, dir string) string {
	if dir == "meta-data/public-keys" {
		return "0=operator"
	}
	var names []string
	for path := range facts {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok {
			first, _, deeper := strings.Cut(rest, "/")
			if deeper {
				first += "/"
			}
			names = append(names, first)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n")
}
