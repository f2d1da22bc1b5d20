package site

import "strings"

// Policy is the Content-Security-Policy of AmiGO's pages. They have scripts and
// styles within them, and their jQuery evaluates what GOlr answers; without
// either of the two "unsafe" words for scripts their searches fail.
func (s Site) Policy() string {
	others := after(s.Origins)
	return strings.Join([]string{
		"default-src 'self'" + others,
		"script-src 'self' 'unsafe-inline' 'unsafe-eval'" + others,
		"style-src 'self' 'unsafe-inline'" + others,
		"img-src 'self' data: blob:" + others,
		"worker-src 'self' blob:",
		"font-src 'self' data:",
		"object-src 'none'",
		"base-uri 'none'",
		"frame-ancestors 'self'",
		"form-action 'self'" + after(s.Targets),
	}, "; ")
}

func after(origins []string) string {
	text := ""
	for _, origin := range origins {
		text += " " + origin
	}
	return text
}

// OwnPolicy is that of the pages that are not AmiGO's.
const OwnPolicy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'self'; form-action 'self'"

// OwnPolicy returns [OwnPolicy], for the files' templates.
func (s Site) OwnPolicy() string { return OwnPolicy }

// DataPolicy is that of GOlr's answers, which are not pages.
const DataPolicy = "default-src 'none'; frame-ancestors 'none'"

// DataPolicy returns [DataPolicy], for the files' templates.
func (s Site) DataPolicy() string { return DataPolicy }
