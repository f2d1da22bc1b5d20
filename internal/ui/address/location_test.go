package address

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	const windows, slashes = "path of Windows", "has three slashes"
	for given, want := range map[string]struct{ dir, url, why, meant string }{
		"images":                      {dir: "images"},
		"/srv/www/images":             {dir: "/srv/www/images"},
		"./s3:bucket":                 {dir: "./s3:bucket"},
		"a:b":                         {dir: "a:b"},
		"a b/ä%20":                    {dir: "a b/ä%20"},
		"file:///tmp/t%20q/r":         {dir: "/tmp/t q/r"},
		"file:///tmp/%C3%A4":          {dir: "/tmp/ä"},
		"file:///tmp/a%23b%3Fc%25":    {dir: "/tmp/a#b?c%"},
		"file:///":                    {dir: "/"},
		"file://localhost/tmp/x":      {dir: "/tmp/x"},
		"FILE://LocalHost/tmp/x":      {dir: "/tmp/x"},
		"file:/tmp/x":                 {dir: "/tmp/x"},
		"file:///tmp/x/":              {dir: "/tmp/x/"},
		"file://srv/www/images":       {why: slashes, meant: "file:///srv/www/images"},
		"file://127.0.0.1/tmp/a%20b":  {why: slashes, meant: "file:///127.0.0.1/tmp/a%20b"},
		"file://":                     {why: "names no directory"},
		"file://localhost":            {why: "names no directory"},
		"file:images":                 {why: "has a whole path", meant: "file://" + here + "/images"},
		"file:":                       {why: "has a whole path"},
		"file:///tmp/x?a":             {why: "no query"},
		"file:///tmp/x?":              {why: "no query"},
		"file:///tmp/x#a":             {why: "no fragment"},
		"file://me@localhost/tmp":     {why: "no login"},
		"file:///tmp/%00":             {why: "byte of zero"},
		"file:///tmp/%zz":             {why: "cannot be read"},
		"file:///C:/images":           {why: windows},
		`C:\images`:                   {why: windows},
		"c:/images":                   {why: windows},
		`\\server\images`:             {why: windows},
		"s3:bucket":                   {why: "lacks //", meant: "s3://bucket"},
		"s3:/bucket":                  {why: "lacks //", meant: "s3://bucket"},
		"S3:bucket/dir?region=x":      {why: "lacks //", meant: "s3://bucket/dir?region=x"},
		"gs:bucket":                   {why: "lacks //", meant: "gs://bucket"},
		"gcs:/bucket":                 {why: "lacks //", meant: "gs://bucket"},
		"azblob:container":            {why: "lacks //", meant: "azblob://container"},
		"https:/images.example.org":   {why: "lacks //", meant: "https://images.example.org"},
		"http:":                       {why: "lacks //"},
		"sftp:host/dir":               {why: "lacks //"},
		"me@host:/srv/www":            {why: "over ssh"},
		"https://images.example.org":  {url: "https://images.example.org"},
		"https://me:x@h/vm?sig=a/":    {url: "https://me:x@h/vm?sig=a/"},
		"s3://bucket/dir?region=x":    {url: "s3://bucket/dir?region=x"},
		"HTTPS://images.example.org/": {url: "https://images.example.org/"},
		"https://":                    {why: "names no host"},
		"https://:8080/":              {why: "names no host"},
		"http://h:99999/":             {why: "its port is not a number from 1 to 65535"},
		"https://h:0":                 {why: "its port is not a number"},
		"s3:///dir":                   {why: "names no host"},
		"http://me:a/b@host/":         {why: "cannot be read"},
		"://host":                     {why: "cannot be read"},
		"":                            {why: "is empty"},
	} {
		got, err := Parse(given)
		var wrong *InvalidError
		if errors.As(err, &wrong) != (want.why != "") {
			t.Errorf("%s: %+v, %v", given, got, err)
			continue
		}
		if wrong != nil {
			if !strings.Contains(wrong.Why, want.why) || wrong.Meant != want.meant || want.meant != "" && !strings.HasSuffix(err.Error(), "; is "+want.meant+" meant?") {
				t.Errorf("%s: %v", given, err)
			}
			continue
		}
		url := ""
		if got.URL != nil {
			url = got.URL.String()
		}
		if got.Dir != want.dir || url != want.url {
			t.Errorf("%s: %q, %q", given, got.Dir, url)
		}
	}
}

// FuzzParse holds that everything is one thing or is refused, and that what was
// meant is an address.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"images", "file:///tmp", "file://h/x", "s3:b", "gs:/b", "C:\\x", "http://u:p@h", "file:x y", "s3:b%", "https:[", "file://%2F/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		got, err := Parse(given)
		var wrong *InvalidError
		switch {
		case errors.As(err, &wrong):
			if wrong.Why == "" {
				t.Errorf("%q is refused without a word", given)
			}
		case (got.Dir == "") != (got.URL != nil):
			t.Errorf("%q is %+v", given, got)
		}
	})
}
