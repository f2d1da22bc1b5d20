package deliver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// EvidencePlace returns a directory beside the final one, for the evidence of a
// run that fails.
func EvidencePlace(out *outdir.Dir) string {
	return out.Final() + ".evidence-" + time.Now().UTC().Format("20060102T150405Z")
}

// KeepEvidence moves the evidence for err, if there is any, from out to place,
// and returns err with the place in it. Who ends a build by hand wants no
// evidence.
func KeepEvidence(ctx context.Context, out *outdir.Dir, place string, err error) error {
	if _, missing := os.Stat(out.Path(EvidenceDir)); missing != nil || ctx.Err() != nil {
		return err
	}
	if failed := out.Rescue(EvidenceDir, place); failed != nil {
		return errors.Join(err, failed)
	}
	if errors.As(err, new(*boottest.FailedError)) {
		return err // it was told the place
	}
	return fmt.Errorf("%w (evidence: %s)", err, place)
}

// Names of what a passed boot test leaves beside the image.
const (
	ReportName     = "boot-test.json" // every check, as JSON
	screenshotName = "screen.png"
)

// keepEvidence copies the report and one screenshot of a passed boot test
// beside the image. A machine without a screen leaves only the report.
func keepEvidence(out *outdir.Dir) ([]manifest.File, error) {
	files, err := copyEvidence(nil, out.Path(EvidenceDir, boottest.ReportName), out.Path(ReportName), manifest.BootReport)
	if err != nil {
		return nil, err
	}
	shots, err := filepath.Glob(out.Path(EvidenceDir, "*", boottest.ScreenshotName))
	if err != nil || len(shots) == 0 {
		return files, err
	}
	return copyEvidence(files, shots[0], out.Path(screenshotName), manifest.Screenshot)
}

func copyEvidence(files []manifest.File, from, to string, role manifest.Role) ([]manifest.File, error) {
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("keeping what the boot test saw: %w", err)
	}
	return append(files, manifest.File{Name: filepath.Base(to), Role: role, Size: int64(len(content)), SHA256: manifest.Digest(content)}), nil
}

// keepFixes writes which CVE numbers the packages' changelogs name, if the
// image knows any changelogs.
func keepFixes(out *outdir.Dir, logs []manifest.Changelog) ([]manifest.File, error) {
	if len(logs) == 0 {
		return nil, nil
	}
	return writeDocument(out, manifest.FixesName, manifest.SecurityFixes, manifest.FormatFixes(logs))
}

// keepCommits writes the last commits of AmiGO, if the image knows any.
func keepCommits(out *outdir.Dir, commits []manifest.Commit) ([]manifest.File, error) {
	if len(commits) == 0 {
		return nil, nil
	}
	return writeDocument(out, manifest.CommitsName, manifest.CommitList, manifest.FormatCommits(commits))
}

func writeDocument(out *outdir.Dir, name string, role manifest.Role, text string) ([]manifest.File, error) {
	content := []byte(text)
	if err := os.WriteFile(out.Path(name), content, 0o644); err != nil {
		return nil, fmt.Errorf("keeping what the image knows: %w", err)
	}
	return []manifest.File{{Name: name, Role: role, Size: int64(len(content)), SHA256: manifest.Digest(content)}}, nil
}
