package shellscript

import "testing"

func TestEnvironment(t *testing.T) {
	env, faults := Parse([]string{"B=2", "A=a=b", "C=it's", "D=", "wrong", "=wrong"})
	if len(faults) != 2 {
		t.Errorf("faults: %v", faults)
	}
	want := `A='a=b' B='2' C='it'"'"'s' D='' `
	if got := Environment("%s='%s' ", env); got != want {
		t.Errorf("got %s", got)
	}
}

func TestInline(t *testing.T) {
	if got := Inline("/bin/sh -e", []string{"a", "b"}); got != "#!/bin/sh -e\na\nb\n" {
		t.Errorf("got %q", got)
	}
}
