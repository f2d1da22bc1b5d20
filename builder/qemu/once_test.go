package qemu

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

var _ pipeline.Foreseer = (*Builder)(nil)

// foresee returns the digest of what a builder would build.
func foresee(t *testing.T, b *Builder) (string, error) {
	t.Helper()
	_, digest, err := b.Foresee(t.Context())
	return digest, err
}

// TestSettingsStay: the key of one build is not left in the builder's settings.
func TestSettingsStay(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	own, key, err := b.config.withKey()
	if err != nil || !slices.Equal(own.Comm.SSHPrivateKey, key.PEM) || b.config.Comm.SSHPrivateKey != nil {
		t.Errorf("the settings hold the key %q, %v", b.config.Comm.SSHPrivateKey, err)
	}
	b.config.Comm.SSHPassword = password
	if _, key, err := b.config.withKey(); err != nil || key != nil {
		t.Errorf("a key that nobody needs: %v, %v", key, err)
	}
}

// countedApt answers for apt-get and mmdebstrap, and notes what they are asked.
// It returns what was asked so far.
func countedApt(t *testing.T) (asked func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	apt := `#!/bin/sh
for word; do case $word in indextargets|update|install) break;; esac; done
echo "apt-get $word" >>` + log + `
case $word in
indextargets) for suite in trixie trixie-security; do echo "http://deb.example/debian/ $suite main amd64"; done;;
install) echo "Inst base-files (12.4 Debian:12.5/stable [amd64])";;
esac
`
	mmdebstrap := "#!/bin/sh\necho mmdebstrap >>" + log + "\necho 'E: enough' >&2\nexit 1\n"
	for name, script := range map[string]string{"apt-get": apt, "mmdebstrap": mmdebstrap} {
		if err := executable.Write(filepath.Join(dir, name), []byte(script)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// TestPackageIndexIsResolvedOnce: the versions that decide whether a build is
// made are those that it is made of. The archive is asked once, be it by the
// pipeline, which remembers builds, or by Packer, which does not.
func TestPackageIndexIsResolvedOnce(t *testing.T) {
	for _, records := range []string{t.TempDir(), ""} {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		asked := countedApt(t)
		template, err := pipeline.Parse(templateFile(t), pipeline.Input{})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := template.Plan(t.Context(), pipeline.Registry{Builders: map[string]pipeline.Factory[packersdk.Builder]{
			"amigo-qemu": pipeline.Local(func() packersdk.Builder { return new(Builder) }),
		}}, pipeline.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.Run(t.Context(), pipeline.RunOptions{Sink: event.Discard, Records: records})
		plan.Close()
		if err == nil || !strings.Contains(err.Error(), "E: enough") {
			t.Errorf("it did not come to mmdebstrap: %v", err)
		}
		if want := []string{"apt-get indextargets", "apt-get update", "apt-get install", "mmdebstrap"}; !slices.Equal(asked(), want) {
			t.Errorf("with records in %q: %q, want %q", records, asked(), want)
		}
	}
}

// templateFile is a template of a base of packages.
func templateFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "base.pkr.hcl")
	text := fmt.Sprintf(`source "amigo-qemu" "amigo" {
  accelerators     = ["tcg"]
  output_directory = %q
  bootstrap {}
}
build { sources = ["amigo-qemu.amigo"] }
`, filepath.Join(t.TempDir(), "out"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
