package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// insides is what only a Go programmer reads.
var insides = regexp.MustCompile(`<nil>|%!|strconv\.|invalid syntax|dial tcp|unexpected EOF|deadline exceeded|invalid character|end of JSON|` +
	`\b(open|stat|lstat|mkdir|unlink|readlink|fork/exec) [^ ]+: `)

// TestMessages types command lines that are wrong in some way, and compares what
// a person reads.
func TestMessages(t *testing.T) {
	p := newPerson(t)
	for name, text := range map[string]string{
		"t.pkr.hcl":    "source \"null\" \"a\" {\n  output = \"x\"\n}\nbuild {\n  sources = [\"null.a\"]\n}\n",
		"bad.hcl":      "x",
		"bad.json":     "{",
		"noise.qcow2":  string(noise("noise")),
		"night.hcl":    "template = \"t\"\nrepository = \"www\"\ndirectories = [\"out\"]\nstate = \"s\"\nbudget = \"3 hours\"\n",
		"empty/no.txt": "",
	} {
		path := filepath.Join(p.home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("loop.pkr.hcl", filepath.Join(p.home, "loop.pkr.hcl")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line   string
		status int
		says   string // a regular expression
	}{
		{"build --parallel-builds 22x t.pkr.hcl", 2, `^error: --parallel-builds takes a number, not "22x"\n  try:   amigo-image build --help$`},
		{"build -var-file none.hcl t.pkr.hcl", 1, `^Error: Cannot read a file\n\nnone.hcl: no such file or directory.\n\nerror: the template is not valid: 1 fault$`},
		{"build -only b -except checksun t.pkr.hcl", 1, `"b" matches no build. There are: null.a.\n(?s:.*)"checksun" matches no build and no post-processor.`},
		{"build loop.pkr.hcl", 1, `^Error: There is no template\n\nCannot read loop.pkr.hcl: too many levels of symbolic links.\n`},
		{"validate nowhere", 1, `Cannot read nowhere: no such file or directory.\n`},
		{"validate empty", 1, `The directory empty has no file whose name ends in .pkr.hcl or .pkr.json.\n`},
		{"run --memory 2G noise.qcow2", 2, `^error: --memory takes a number, not "2G"\n`},
		{"run --timeout 5 noise.qcow2", 2, `^error: --timeout takes a time such as 30s, 5m or 2h, not "5"\n`},
		{"run nonexist/x.qcow2", 25, `^error: there is no file nonexist/x.qcow2$`},
		{"run noise.qcow2", 21, `^error: .*noise.qcow2 is not a qcow2 image, but raw\n`},
		{"verify nonexist.qcow2", 25, `^error: there is no file nonexist.qcow2$`},
		{"pull http://127.0.0.1:1 stable --patience 100ms", 20, `^error: 127.0.0.1:1 cannot be reached\n  where: http://127.0.0.1:1/metadata/1.root.json\n +127.0.0.1:1: failed( after .*s)?: connection refused\n`},
		{"pull http://nohost.invalid stable", 20, `^error: nohost.invalid cannot be reached\n(?s:.*)nohost.invalid: failed.*: there is no host nohost.invalid\n`},
		{"pull http://127.0.0.1:1 --root none", 1, `^error: reading the root to trust: none: no such file or directory$`},
		{"prune --to www --keep-daily x", 2, `^error: --keep-daily takes a number, not "x"\n`},
		{"history stable --to www", 25, `^error: there is no image repository there\n  where: www$`},
		{"keys sign none", 25, `^error: there is no file none\n  kept:  nothing was changed$`},
		{"keys sign bad.json", 21, `^error: bad.json is refused: it is not TUF metadata: it is not JSON\n`},
		{"nightly none", 1, `^error: reading the file that describes the night: none: no such file or directory$`},
		{"nightly empty", 1, `^error: reading the file that describes the night: empty: is a directory$`},
		{"nightly bad.hcl", 1, `^error: bad.hcl is not valid\n  where: bad.hcl:1,1-2: Argument or block definition required; `},
		{"nightly night.hcl", 1, `^error: night.hcl is not valid\n  where: night.hcl: budget: "3 hours" is not a time such as "3h" or "90m"\n`},
		{"diff none.qcow2 other.qcow2", 25, `^error: no image is described in none.qcow2\n`},
		{"--log none/x.log list", 1, `^error: making the log file: none/x.log: no such file or directory$`},
		{"list --progress=-3s", 2, `^error: --progress takes a time such as 30s, 5m or 2h, not "-3s"\n`},
		{"list --patience -1s", 2, `^error: --patience takes a time such as 30s, 5m or 2h, not "-1s"\n`},
		{"refresh --to www --wait -3s", 2, `^error: --wait takes a time such as 30s, 5m or 2h, not "-3s"\n`},
		{"list -q -v", 2, `^error: --quiet and --verbose can't be used together\n`},
		{"run --port 70000 noise.qcow2", 2, `^error: --port takes a number from 0 to 65535, not "70000"\n`},
		{"build --parallel-builds -1 t.pkr.hcl", 2, `^error: --parallel-builds takes a number, at least 0, not "-1"\n`},
		{"keys init --root-keys 0", 2, `^error: --root-keys takes a number, at least 1, not "0"\n`},
		{"keys rotate root --root-threshold -1", 2, `^error: --root-threshold takes a number, at least 0, not "-1"\n`},
		{"pull http://127.0.0.1:99999/ stable", 2, `^error: http://127.0.0.1:99999/ is not the address of a repository\n  where: its port is not a number from 1 to 65535$`},
		{"list --progress x", 2, `^error: --progress takes a time such as 30s, 5m or 2h, not "x"\n`},
	} {
		status, _, errs := p.types("amigo-image " + c.line)
		if status != c.status {
			t.Errorf("%s: exit status %d, want %d", c.line, status, c.status)
		}
		if !regexp.MustCompile(`(?m)` + c.says).MatchString(errs) {
			t.Errorf("%s: it says\n%s\nwant %s", c.line, errs, c.says)
		}
		if inside := insides.FindString(errs); inside != "" {
			t.Errorf("%s: %q is Go's inside:\n%s", c.line, inside, errs)
		}
	}
}
