package repository

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/percent"
)

// Loss is the part of its documents that GOlr may have lost since the version before,
// between 0 and 1; 0 is not looked at.
type Loss float64

// ParseLoss reads a part like "5%", or "off", which is 0.
func ParseLoss(text string) (Loss, error) {
	if text == "off" {
		return 0, nil
	}
	part, ok := percent.Parse(text)
	if !ok || part == 0 {
		return 0, fmt.Errorf("%q is neither a part like \"5%%\", of 100%% at most, nor \"off\"", text)
	}
	return Loss(part), nil
}

// LossError says that GOlr has lost more than it may.
type LossError struct {
	Version string // before
	Lost    []string
}

func (e *LossError) Error() string {
	return fmt.Sprintf("the data have lost too much since %s: %s", e.Version, strings.Join(e.Lost, "; "))
}

// Fault implements [fault.Reporter].
func (e *LossError) Fault() fault.Report {
	return fault.Report{What: "the data have lost too much since " + e.Version, Where: strings.Join(e.Lost, "\n"), Code: fault.Verify}
}

// check returns a [*LossError] if images have too little of what the version has that the
// channel was at.
func (l Loss) check(known library, before layout.Channel, images []image) error {
	if l == 0 {
		return nil
	}
	for _, v := range known.versions() {
		if v.Version != before.Version {
			continue
		}
		for _, one := range images {
			if lost := l.lost(v.GOlr, one.facts.GOlr); len(lost) > 0 {
				return &LossError{Version: v.Version, Lost: lost}
			}
		}
	}
	return nil
}

// lost says of what there is too little.
func (l Loss) lost(before, now manifest.GOlr) []string {
	if manifest.IsExample(now.DOI) && !manifest.IsExample(before.DOI) {
		return []string{"they were a release, and are example data"}
	}
	lost := l.of(nil, "documents", before.Documents, now.Documents)
	for _, kind := range slices.Sorted(maps.Keys(before.Kinds)) {
		lost = l.of(lost, "documents of the kind "+kind, before.Kinds[kind], now.Kinds[kind])
	}
	return lost
}

func (l Loss) of(lost []string, what string, before, now int64) []string {
	if before <= 0 || float64(before-now) <= float64(l)*float64(before) {
		return lost
	}
	return append(lost, fmt.Sprintf("%d %s, and there were %d (-%.0f%%)", now, what, before, 100*float64(before-now)/float64(before)))
}
