package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/outdir"
)

// KeepEvidence moves the evidence for err, if there is any, from out to a
// directory beside the final one, and returns err with the place in it. Who
// ends a build by hand wants no evidence.
func KeepEvidence(ctx context.Context, out *outdir.Dir, err error) error {
	if _, missing := os.Stat(out.Path(EvidenceDir)); missing != nil || ctx.Err() != nil {
		return err
	}
	target := out.Final() + ".evidence-" + time.Now().UTC().Format("20060102T150405Z")
	if moved := out.Rescue(EvidenceDir, target); moved != nil {
		return errors.Join(err, moved)
	}
	var failed *boottest.FailedError
	if errors.As(err, &failed) {
		failed.Evidence = target
		return err
	}
	return fmt.Errorf("%w (evidence: %s)", err, target)
}

// withoutSecret removes a user and a password from a URL.
func withoutSecret(source string) string {
	parsed, err := url.Parse(source)
	if err != nil || parsed.User == nil {
		return source
	}
	parsed.User = nil
	return parsed.String()
}
