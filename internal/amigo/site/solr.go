package site

import "strings"

// allowedNames are the parameters with which AmiGO's pages search, and those
// that only say how to search. Whatever else Solr knows stays unreachable: to
// ask other servers (shards), to read files and addresses (stream.*), to use
// other handlers (qt) or to run style sheets (tr, v.*).
var allowedNames = []string{
	"q", `q\.alt`, `q\.op`, "df", "qf", "pf", "bq", "bf", "mm", "tie", "fq", "fl", "sort",
	"rows", "start", "indent", "version", "omitHeader", "timeAllowed", "echoParams",
	"facet", `facet\.[a-z.]+`, `f\.\w+\.facet\.[a-z.]+`,
	"hl", `hl\.[A-Za-z.]+`, `json\.nl`, `csv\.[a-z.]+`,
	"packet", "callback_type", "callback", "_", "personality",
}

// allowedPairs are parameters that may have certain values only.
var allowedPairs = []string{
	"qt=standard",
	"wt=(?:json|xml|csv)",
	"defType=(?:edismax|dismax|lucene)",
	`json\.wrf=[\w.$]+`,
}

// allowedQuery matches a query string in which all is allowed. A name that is
// written with percent signs is no allowed name.
var allowedQuery = `^(?:(?:(?:` + strings.Join(allowedNames, "|") + `)=[^&]*|` +
	strings.Join(allowedPairs, "|") + `)(?:&|$))*$`
