package field

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestMap(t *testing.T) {
	names := map[string]string{"GOlr.War": "golr.solr_war", "BundleOn": "bundle_on"}
	war := Errorf("GOlr.War", "reading it: %w", io.ErrUnexpectedEOF)
	for want, err := range map[string]error{
		"golr.solr_war: reading it: unexpected EOF":                                 war,
		"building: golr.solr_war: reading it: unexpected EOF":                       fmt.Errorf("building: %w", war),
		"bundle_on: no\ngolr.solr_war: reading it: unexpected EOF":                  errors.Join(Errorf("BundleOn", "no"), war),
		"2 faults: bundle_on: no; golr.solr_war: reading it: unexpected EOF (GOlr)": fmt.Errorf("2 faults: %w; %w (GOlr)", Errorf("BundleOn", "no"), war),
		"Other: no": Errorf("Other", "no"),
		"plain":     errors.New("plain"),
	} {
		got := Map(err, names)
		if got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(got, io.ErrUnexpectedEOF) {
			t.Errorf("%q has lost what it came from", got)
		}
		if first := (*Error)(nil); errors.As(got, &first) && names[first.Field] != "" {
			t.Errorf("%q is of the field %s first", got, first.Field)
		}
	}
	if Map(nil, names) != nil || Wrap("x", nil) != nil {
		t.Error("nothing became something")
	}
}
