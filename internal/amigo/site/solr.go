package site

import (
	"fmt"
	"strings"
)

// allowedNames are the parameters with which AmiGO's pages search, and those
// that only say how to search. Whatever else Solr knows stays unreachable: to
// ask other servers (shards), to read files and addresses (stream.*), to use
// other handlers (qt) or to run style sheets (tr, v.*). How long a search may
// take (timeAllowed) is not for who asks to say.
var allowedNames = []string{
	"q", `q\.alt`, `q\.op`, "df", "qf", "pf", "bq", "bf", "mm", "tie", "fq", "fl", "sort",
	"rows", "start", "indent", "version", "omitHeader", "echoParams",
	"facet", `facet\.[a-z.]+`, `f\.\w+\.facet\.[a-z.]+`,
	"hl", `hl\.[A-Za-z.]+`, `json\.nl`, `csv\.[a-z.]+`,
	"packet", "callback_type", "callback", "_", "personality",
}

// allowedPairs are parameters that may have certain values only.
var allowedPairs = []string{
	"qt=standard",
	"wt=(?:json|xml|csv)",
	"defType=(?:edismax|dismax|lucene)",
	`json\.wrf=[\w.$]{1,200}`,
}

// allowedQuery matches a query string in which all is allowed. A name that is
// written with percent signs is not an allowed name.
var allowedQuery = `^(?:(?:(?:` + strings.Join(allowedNames, "|") + `)=[^&]*|` +
	strings.Join(allowedPairs, "|") + `)(?:&|$))*$`

// Most is how many documents a search may return, and how many it may leave
// out before: what AmiGO lets people download at once.
const Most = 100000

// SearchTime is how many milliseconds GOlr looks for documents.
const SearchTime = 60000

// numbers are the parameters that Solr reads as a number. facet.limit=-1 and
// similar values mean "all".
const numbers = `(?:f\.\w+\.)?facet\.(?:limit|offset|mincount)|hl\.(?:snippets|fragsize|maxAnalyzedChars)`

// character is one of a value in a query string: written as it is, or its
// UTF-8 with percent signs.
const character = `(?:[\x21-\x24\x27-\x7e]|%[0-7][\dA-Fa-f]` +
	`|%(?:[Cc][2-9A-Fa-f]|[Dd][\dA-Fa-f])` + following +
	`|%[Ee](?:0%[ABab][\dA-Fa-f]|[Dd]%[89][\dA-Fa-f]|[1-9A-Ca-cEeFf]` + following + `)` + following +
	`|%[Ff](?:0%[9ABab][\dA-Fa-f]|[1-3]` + following + `|4%8[\dA-Fa-f])` + following + following + `)`

const following = `%[89ABab][\dA-Fa-f]`

// wellFormed matches a query string whose numbers are numbers, and whose text
// is text. It never goes back over what it has matched.
const wellFormed = `^(?>(?:` +
	`(?:rows|start)=0*(?:\d{1,5}|100000)` +
	`|(?:` + numbers + `)=-?\d{1,7}` +
	`|(?!(?:rows|start|` + numbers + `)=)[^=&]*=` + character + `*+` +
	`)?(?:&|$))*+$`

// Bounds that are far above what AmiGO's own pages send.
const (
	longest   = 8000 // characters of a value, but for what is looked for (q)
	mostPairs = 300
	mostOften = 50 // times one of the parameters in often
)

// often are the parameters of which each costs GOlr a search of its own.
var often = []string{"fq", `facet\.(?:field|query)`, "bq", "bf"}

// bounds match query strings in which something is too long or there too often.
func bounds() []string {
	all := []string{
		fmt.Sprintf(`^(?:[^&]*&){%d}`, mostPairs),
		fmt.Sprintf(`(?:^|&)(?!q=)[^=&]*=[^&]{%d}`, longest+1),
	}
	for _, name := range often {
		all = append(all, fmt.Sprintf(`^(?:(?:(?!%[1]s=)[^&]*&)*%[1]s=[^&]*(?:&|$)){%[2]d}`, name, mostOften+1))
	}
	return all
}
