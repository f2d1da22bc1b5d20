package lines

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func all(t *testing.T, in io.Reader) (read []string, faults []string, err error) {
	t.Helper()
	r, err := New(t.Context(), in, "a.gaf", func(at Place, what string) { faults = append(faults, at.String()+" "+what) })
	if err != nil {
		return nil, nil, err
	}
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return read, faults, r.Close()
		}
		if err != nil {
			return read, faults, err
		}
		read = append(read, string(line))
	}
}

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNext(t *testing.T) {
	long := strings.Repeat("x", Longest+1)
	for name, test := range map[string]struct {
		text         string
		want, faults []string
	}{
		"lines":              {"a\nb\r\nc", []string{"a", "b", "c"}, nil},
		"empty":              {"", nil, nil},
		"empty lines":        {"\n\na\n", []string{"", "", "a"}, nil},
		"mark of order":      {"\xef\xbb\xbfa\n", []string{"a"}, nil},
		"compressed":         {string(compressed(t, "a\nb\n")), []string{"a", "b"}, nil},
		"long":               {"a\n" + long + "\nb\n", []string{"a", "b"}, []string{"a.gaf:2 " + TooLong}},
		"long at the end":    {"a\n" + long, []string{"a"}, []string{"a.gaf:2 " + TooLong}},
		"just not too long":  {long[2:] + "\nb\n", []string{long[2:], "b"}, nil},
		"larger than buffer": {strings.Repeat("y", 300<<10) + "\n", []string{strings.Repeat("y", 300<<10)}, nil},
		"another encoding":   {"a\nM\xfcnchen\nb\n", []string{"a", "b"}, []string{"a.gaf:2 " + NotUTF8}},
		"an escape":          {"a\x1b[2J\nb\tc\n", []string{"b\tc"}, []string{"a.gaf:1 " + Unprinted}},
		"a zero":             {"a\x00\n", nil, []string{"a.gaf:1 " + Unprinted}},
	} {
		read, faults, err := all(t, strings.NewReader(test.text))
		if err != nil || !slices.Equal(read, test.want) || !slices.Equal(faults, test.faults) {
			t.Errorf("%s: %.60q, %q, %v", name, read, faults, err)
		}
	}
}

func TestNotRead(t *testing.T) {
	if _, _, err := all(t, strings.NewReader("\xff\xfea\x00")); !errors.Is(err, ErrUTF16) {
		t.Errorf("UTF-16: %v", err)
	}
	whole := compressed(t, strings.Repeat("some text that is longer\n", 1000))
	if _, _, err := all(t, bytes.NewReader(whole[:len(whole)/2])); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "a.gaf, after line ") {
		t.Errorf("a truncated file: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "utf16"), []byte("\xfe\xff\x00a"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none"), filepath.Join(dir, "utf16")} {
		if _, err := Open(t.Context(), path, func(Place, string) {}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	for i := range 5 {
		tally.Add(Place{"a.gaf", i + 1}, "an unknown term", "GO:1")
	}
	tally.Add(Place{"b.gaf", 7}, TooLong, "")
	var got []string
	for _, c := range tally.Counts() {
		got = append(got, c.String())
	}
	want := []string{
		"5 x an unknown term: a.gaf:1 (GO:1), a.gaf:2 (GO:1), a.gaf:3 (GO:1), ...",
		"1 x the line has more than 1 MiB: b.gaf:7",
	}
	if !slices.Equal(got, want) || tally.Total() != 6 {
		t.Errorf("%q, %d", got, tally.Total())
	}
}

func TestCleaned(t *testing.T) {
	for _, test := range []struct {
		version, date, want string
	}{
		{"releases/2026-10-07", "", "2026-10-07"}, {"", "2026-10-07T12:00:00Z", "2026-10-07"}, {"", "yesterday", ""}, {"<b>2026-10-07\ta", "", "2026-10-07"}, {"1.2", "2026-01-02", "2026-01-02"},
	} {
		if got := (Version{Version: test.version, Date: test.date}).Cleaned(); got.Date != test.want {
			t.Errorf("%+v: %q", test, got.Date)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("a\nb"))
	f.Add([]byte("\xef\xbb\xbfa\tb\r\n\x00"))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := New(t.Context(), bytes.NewReader(text), "f", func(Place, string) {})
		if err != nil {
			return
		}
		for range 1 << 20 {
			line, err := r.Next()
			if err != nil {
				return
			}
			if len(line) > Longest || bytes.ContainsAny(line, "\n\x00\x1b") {
				t.Errorf("%q", line)
			}
		}
	})
}

func TestSafe(t *testing.T) {
	got := Version{Version: "<img src=x onerror='a\\'>\t2026-10-07\n&", File: "a\tb.gaf"}.Cleaned()
	if want := (Version{Version: "img src=x onerror=a 2026-10-07", Date: "2026-10-07", File: "a b.gaf"}); got != want {
		t.Errorf("%+v", got)
	}
	if got := (Version{Version: strings.Repeat("é", 100)}).Cleaned().Version; got != strings.Repeat("é", 58)+".." {
		t.Error(got)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{" a\tb\nc\x00 ": "a b c", "two  spaces stay": "two  spaces stay", "\u009b31m": "31m"} {
		if got := Clean(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestStopped: reading ends with its context, even in lines that are left out.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	r, err := New(ctx, bytes.NewReader(compressed(t, strings.Repeat("\x00\n", 10<<20))), "a", func(at Place, _ string) {
		if at.Line == 5 {
			stop(errors.New("enough"))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "enough") || r.Place.Line > 1<<20 {
		t.Errorf("%v, line %d", err, r.Place.Line)
	}
}
