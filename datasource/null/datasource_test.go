package null

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestExecute(t *testing.T) {
	d := new(Datasource)
	if err := d.Configure(map[string]any{"input": "text"}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Execute()
	if want := cty.ObjectVal(map[string]cty.Value{"output": cty.StringVal("text")}); err != nil || !got.RawEquals(want) {
		t.Errorf("%#v, %v", got, err)
	}
	if err := new(Datasource).Configure(map[string]any{}); err == nil || !strings.Contains(err.Error(), "input: it is missing") {
		t.Errorf("without input: %v", err)
	}
}
