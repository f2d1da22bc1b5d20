package adapt

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
)

// badgePath is where the image has its own picture of the data's DOI.
const badgePath = settings.Root + "/static/images/doi-badge.svg"

const badgeURL = settings.StaticURL + "/images/doi-badge.svg"

// rules are for what AmiGO's pages show from other hosts, be it that the
// browser fetches it, or AmiGO itself does, and for what its authors have not
// filled in.
var rules = []struct {
	found   *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`https?://zenodo\.org/badge/DOI/\[%[^%]*%\]\.svg`), badgeURL},
	{regexp.MustCompile(`<img\s+src="\[%\s*VIZ_QUICKGO_LINK\s*%\]"[^>]*>`), "Graph at QuickGO"},
	{regexp.MustCompile(`<a href="#">\?\?\?</a>`), `<a href="[% interlink_medial_search %]">directory search</a>`},
	{regexp.MustCompile(`\[% ELSE %\]\?\?\?`), "[% ELSE %]unknown"},
	{regexp.MustCompile(`<li class="list-group-item">\s*<a href="\[% interlink_(?:goose|gannet) %\]"(?s:.*?)</li>`), ""},
	{regexp.MustCompile(`(?s)<script[^>]*src="https?://www\.googletagmanager\.com/[^>]*>\s*</script>`), ""},
}

// outside finds what a page loads from another host.
var outside = regexp.MustCompile(`<(?:img|script|iframe|embed|source|link)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]+)"`)

var comment = regexp.MustCompile(`(?s)<!--.*?-->`)

// template returns a page's template without what rules are for. What still
// comes from elsewhere the image's Apache forbids browsers to load.
func template(text string) (string, []string) {
	for _, rule := range rules {
		text = rule.found.ReplaceAllLiteralString(text, rule.instead)
	}
	var notes []string
	for _, found := range outside.FindAllStringSubmatch(comment.ReplaceAllString(text, ""), -1) {
		notes = append(notes, fmt.Sprintf("refers to %s, which browsers of the image will not load", found[1]))
	}
	return text, notes
}

// Badge returns a picture with a DOI, drawn without any outside help.
func Badge(doi string) string {
	if doi == "" {
		doi = "none"
	}
	const label, letter, height = 30, 6.6, 20
	width := label + int(float64(len(doi))*letter) + 12
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(doi)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" role="img" aria-label="DOI %[3]s">
<rect width="%[1]d" height="%[2]d" rx="3" fill="#1a6aa8"/>
<rect width="%[4]d" height="%[2]d" rx="3" fill="#4a4a4a"/>
<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">
<text x="5" y="14">DOI</text>
<text x="%[5]d" y="14">%[3]s</text>
</g>
</svg>
`, width, height, escaped, label, label+6)
}
