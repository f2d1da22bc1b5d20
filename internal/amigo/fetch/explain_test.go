package fetch

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// A full disk has its own advice.
func TestExplainAFullDisk(t *testing.T) {
	err := Explain(fmt.Errorf("loading: %w", syscall.ENOSPC), "solr.war", "set it to a copy", "name a mirror")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Space || f.Do.Action != fault.Repeat || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v: %+v", err, f)
	}
}
