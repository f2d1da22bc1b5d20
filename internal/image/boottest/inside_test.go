package boottest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

var update = flag.Bool("update", false, "write the golden files")

func TestInspectScript(t *testing.T) {
	for _, variant := range []Variant{Distribution, Production} {
		script := inspectScript(variant, 300)
		path := filepath.Join("testdata", string(variant)+".sh")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(script), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), script); diff != "" {
			t.Error(diff)
		}
		if err := command.Run(t.Context(), command.Cmd{Name: "sh", Args: []string{"-n"}, Stdin: strings.NewReader(script)}); err != nil {
			t.Error(err)
		}
	}
}

func TestLines(t *testing.T) {
	got := inside{"failed": "", "root-keys": "a\nb"}
	if len(got.lines("failed")) != 0 || len(got.lines("root-keys")) != 2 {
		t.Error(got.lines("failed"), got.lines("root-keys"))
	}
}

// good is what a good production image tells, booted with a seed.
func good() inside {
	return inside{
		"state":        "running",
		"about":        `{"amigo":{"version":"2.5.17","commit":"abc"},"golr":{"documents":12},"serve":"workers","test":{"search":"apoptosis","term":"GO:1"}}`,
		"packages":     "perl 5.36 amd64\napache2 2.4 amd64",
		"kernel":       "6.1.0",
		"system":       "Debian GNU/Linux 12 (bookworm)",
		"hostname":     seedHost,
		"machine-id":   "1",
		"host-key":     "ssh-ed25519 A",
		"listeners":    "127.0.0.53%lo:53\n127.0.0.54:53\n0.0.0.0:22\n*:80\n[::]:22\n[::1]:8080\n127.0.0.1:8080",
		"operators":    "amigo",
		"passwords":    "root L 2026-08-01 0 99999 7 -1\namigo L 2026-08-01 0 99999 7 -1",
		"runtime":      "perl\nstatic",
		"tree":         "perl\nperl/bin\nstatic",
		"firewall":     "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport { 22, 80, 443 } accept\n\t}\n}",
		"enabled":      "enabled\nenabled\nenabled\nenabled\nenabled",
		"upgrades":     "APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";",
		"cloud-result": `{"v1": {"datasource": "DataSourceNoCloud [seed=/dev/vdb]", "errors": []}}`,
		"flags":        "AMIGO_BETA}='0'\nAMIGO_VERBOSE}='0'\n\"beta\":\"0\"",
		"sshd": "passwordauthentication no\nkbdinteractiveauthentication no\npermitemptypasswords no\npermitrootlogin without-password\n" +
			"disableforwarding yes\nallowtcpforwarding no\nallowstreamlocalforwarding no\nallowagentforwarding no\nx11forwarding no\n" +
			"permittunnel no\ngatewayports no\nmacs hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com",
		"reboot": `Unattended-Upgrade::Automatic-Reboot "false";`,
		"exposure": "-> Overall exposure level for apache2.service: 2.6 OK :-)\n-> Overall exposure level for jetty9.service: 1.1 OK :-)\n" +
			"-> Overall exposure level for amigo-workers.service: 3.0 OK :-)",
		"restarts": "Id=apache2.service\nRestart=on-failure\nStartLimitIntervalUSec=0\n\nId=jetty9.service\nRestart=on-failure\nStartLimitIntervalUSec=0\n\n" +
			"Id=amigo-workers.service\nRestart=always\nStartLimitIntervalUSec=0",
		"reserve":  "1800000 1700000 4096",
		"journals": "1",
		"boots":    "  0 1 Fri 2026-11-27",
		"console":  "3\t4\t1\t3",
		"issue":    `http://\4/ 10.0.2.15 http://127.0.0.1:9999/`,
		"motd":     "Runs here: Logs: Update: Reboots:",
	}
}

// run makes all checks that need no machine and returns the faults.
func run1(t *testing.T, variant Variant, answers inside) string {
	t.Helper()
	key := &guest.Key{AuthorizedKey: "ssh-ed25519 OURS boot-test"}
	s := subject{inside: answers, key: key, user: &guest.Key{AuthorizedKey: "ssh-ed25519 USER seed"}}
	var faults []string
	for _, c := range insideChecks(variant, true) {
		if c.name == "the platform's key lets the operator in" {
			continue
		}
		if _, err := c.run(context.Background(), s); err != nil {
			faults = append(faults, c.name+": "+err.Error())
		}
	}
	return strings.Join(faults, "\n")
}

func TestInside(t *testing.T) {
	for _, variant := range []Variant{Distribution, Production} {
		if faults := run1(t, variant, good()); faults != "" {
			t.Errorf("%s: %s", variant, faults)
		}
	}
	facts, err := good().facts()
	want := []manifest.Package{{Name: "perl", Version: "5.36", Architecture: "amd64"}, {Name: "apache2", Version: "2.4", Architecture: "amd64"}}
	if err != nil || facts.About.AmiGO.Version != "2.5.17" || !cmp.Equal(facts.Packages, want) {
		t.Errorf("%v: %+v", err, facts)
	}
}

func TestChangelogs(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, "@perl 5.36\nperl (5.36)\nCVE-2026-0001\n@gone 1\ngone (1)\n")
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	answers := good()
	answers["changelogs"] = base64.StdEncoding.EncodeToString(packed.Bytes())
	facts, err := answers.facts()
	want := []manifest.Changelog{{
		Source: "perl", Version: "5.36", Oldest: "5.36", Packages: []string{"perl"}, Fixes: []manifest.Fix{{Version: "5.36", CVEs: []string{"CVE-2026-0001"}}},
	}}
	if err != nil || !cmp.Equal(facts.Changelogs, want) {
		t.Errorf("%v: %+v", err, facts.Changelogs)
	}
	answers["changelogs"] = "bm8gZ3ppcA=="
	if _, err := answers.facts(); err == nil {
		t.Error("what is not compressed was read")
	}
}

func TestCommits(t *testing.T) {
	answers := good()
	id := strings.Repeat("ab", 20)
	answers["commits"] = id + " 2026-02-03 - first"
	facts, err := answers.facts()
	if err != nil || !cmp.Equal(facts.Commits, []manifest.Commit{{ID: id, Date: "2026-02-03", Subject: "first"}}) {
		t.Errorf("%v: %+v", err, facts.Commits)
	}
	answers["commits"] = "first"
	if _, err := answers.facts(); err == nil {
		t.Error("what is not a list of commits was read")
	}
}

func TestInsideFails(t *testing.T) {
	for _, test := range []struct{ section, answer, want string }{
		{"failed", "jetty9.service loaded failed failed Jetty\nx.service loaded", "failed: jetty9.service, x.service"},
		{"state", "degraded", `the system is "degraded"`},
		{"root-keys", "ssh-ed25519 BUILD amigo-build", `authorized_keys holds "ssh-ed25519 BUILD`},
		{"listeners", "0.0.0.0:8080", "a program listens on 0.0.0.0:8080"},
		{"listeners", "*:5355", "a program listens on *:5355"},
		{"listeners", "", "nothing listens"},
		{"certificates", "amigo-build-1.crt", "holds amigo-build-1.crt"},
		{"programs", "/usr/bin/git\n/usr/bin/make", "there is /usr/bin/git, /usr/bin/make"},
		{"runtime", "", "runtime.list is empty"},
		{"tree", "perl\nnode_modules\nnode_modules/x", "1 paths too many, among them node_modules"},
		{"flags", "AMIGO_BETA}='1'", "on: AMIGO_BETA}='1'"},
		{"flags", `"beta":"1"`, `on: "beta":"1"`},
		{"flags", "", "neither"},
		{"firewall", "", "not dropped by default"},
		{"firewall", "hook input priority filter; policy drop;\n tcp dport 8080 accept", "port 8080 is open"},
		{"enabled", "enabled\ndisabled\nenabled\nenabled\nenabled", "disabled"},
		{"cloud-disabled", "/etc/cloud/cloud-init.disabled", "cloud-init.disabled is there"},
		{"upgrades", "", "apt is not set"},
		{"passwords", "root L\namigo NP", "not locked: amigo NP"},
		{"passwords", "root L", "there is no operator"},
		{"sshd", "passwordauthentication yes", "it is not set"},
		{"sshd", strings.ReplaceAll(good()["sshd"], "disableforwarding yes", "disableforwarding no"), `it is not set to "disableforwarding yes"`},
		{"sshd", strings.ReplaceAll(good()["sshd"], "macs ", "macs hmac-sha1-etm@openssh.com,"), "it takes hmac-sha1-etm"},
		{"sshd", strings.ReplaceAll(good()["sshd"], "macs ", "macs hmac-sha2-256,"), "it takes hmac-sha2-256"},
		{"reboot", "", "Automatic-Reboot is not set"},
		{"exposure", "", "the exposure of apache2.service is not known"},
		{"exposure", strings.ReplaceAll(good()["exposure"], "1.1", "4.8"), "the exposure of jetty9.service is 4.8"},
		{"exposure", strings.ReplaceAll(good()["exposure"], "workers.service: 3.0", "workers.service: 3.6"), "the exposure of amigo-workers.service is 3.6"},
		{"restarts", strings.ReplaceAll(good()["restarts"], "always\nStartLimitIntervalUSec=0", "always\nStartLimitIntervalUSec=10s"), "amigo-workers.service: Id="},
		{"restarts", strings.ReplaceAll(good()["restarts"], "Restart=on-failure", "Restart=on-abort"), "apache2.service: Id="},
		{"restarts", "Id=apache2.service\nRestart=always\nStartLimitIntervalUSec=0", "jetty9.service is not known"},
		{"reserve", "1800000 1799000 4096", "3 MiB, less than 64"},
		{"reserve", "", "reading the free space"},
		{"journals", "1\n2", "/var/log/journal holds 2"},
		{"boots", "-1 2 x\n 0 1 y", "it tells of 2 boots"},
		{"console", "7\t4\t1\t7", "messages of level 6"},
		{"console", "", "kernel.printk is not known"},
		{"issue", `http://\4/`, `issue does not say "10.0.2.15"`},
		{"motd", "Debian GNU/Linux comes with ABSOLUTELY NO WARRANTY", "motd does not say"},
		{"motd", "Runs here: Logs: Update:", "does not say who reboots"},
		{"cloud-result", `{"v1":{"datasource":"DataSourceNone","errors":[]}}`, "its result is"},
		{"cloud-result", `{"v1":{"datasource":"DataSourceNoCloud","errors":["x"]}}`, "its result is"},
		{"hostname", "amigo", `its name is "amigo"`},
	} {
		answers := good()
		answers[test.section] = test.answer
		if faults := run1(t, Production, answers); !strings.Contains(faults, test.want) {
			t.Errorf("%s %q: got %q, want %q", test.section, test.answer, faults, test.want)
		}
	}
}

func TestFactsAreMissing(t *testing.T) {
	for section, answer := range map[string]string{"about": "", "packages": "perl"} {
		answers := maps.Clone(good())
		answers[section] = answer
		if _, err := answers.facts(); err == nil {
			t.Errorf("%s %q is fine", section, answer)
		}
	}
}

func TestCompare(t *testing.T) {
	same := []findings{{inside: inside{"host-key": "a", "machine-id": "1"}}, {inside: inside{"host-key": "a", "machine-id": "2"}}}
	got := compare(same)
	if len(got) != 2 || got[0].OK || !got[1].OK {
		t.Errorf("%+v", got)
	}
	if len(compare(same[:1])) != 0 {
		t.Error("one boot was compared")
	}
}

func TestBoots(t *testing.T) {
	both := []qemu.Firmware{qemu.BIOS, qemu.UEFI}
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{Variant: Distribution, Firmwares: both}, "bios uefi"},
		{Spec{Variant: Production, Firmwares: both}, "bios uefi-seed"},
		{Spec{Variant: Production, Firmwares: both[:1]}, "bios bios-seed"},
	} {
		var names []string
		for i, b := range test.spec.boots() {
			names = append(names, b.String())
			if b.whole != (i == 0) {
				t.Errorf("%s: looked at as a whole: %v", b, b.whole)
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestFailedError(t *testing.T) {
	checks := []Check{{"bios", "a", true, ""}, {"bios", "b", false, "1"}, {"uefi", "b", false, "2"}, {"uefi", "c", false, "3"}, {"all", "d", false, "4"}}
	err := verdict(Report{Checks: checks}, "dir")
	const want = "4 of 5 checks failed; bios: b: 1; uefi: b: 2; uefi: c: 3; ... (evidence: dir)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestMakeSeed(t *testing.T) {
	image, err := makeSeed(t.Context(), t.TempDir(), "ssh-ed25519 A seed")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{
		"meta-data": "instance-id: amigo-seed-test-1\n",
		"user-data": "#cloud-config\nhostname: amigo-seed-test\nssh_authorized_keys:\n  - \"ssh-ed25519 A seed\"\n",
	}
	for name := range wanted {
		out, err := command.Output(t.Context(), command.Cmd{Name: "mcopy", Args: []string{"-i", image, "::" + name, "-"}})
		if err != nil || string(out) != wanted[name] {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if out, err := command.Output(t.Context(), command.Cmd{Name: "blkid", Args: []string{"-o", "value", "-s", "LABEL", image}}); err != nil || strings.TrimSpace(string(out)) != "CIDATA" {
		t.Errorf("%v: %s", err, out)
	}
}
