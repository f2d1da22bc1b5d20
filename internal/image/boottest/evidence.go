package boottest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Names of evidence: the report in its directory, the screenshot in each boot's.
const (
	ReportName     = "report.json"
	ScreenshotName = qemu.ScreenName
	consoleName    = qemu.ConsoleName
)

// evidence is the directory of one boot.
type evidence struct{ dir string }

func (e evidence) make() error {
	if err := os.MkdirAll(filepath.Join(e.dir, "responses"), 0o755); err != nil {
		return fmt.Errorf("making a directory for evidence: %w", err)
	}
	return nil
}

func (e evidence) path(name string) string { return filepath.Join(e.dir, name) }

// keep writes a piece of evidence. That it cannot must not fail a test.
func (e evidence) keep(name string, content []byte) {
	_ = os.WriteFile(e.path(name), content, 0o644)
}

func writeReport(dir string, report Report) error {
	content, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ReportName), append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
