package adapt

import "strings"

// Version changes when this package adapts otherwise than before.
const Version = "4"

// runtime are the paths below AmiGO's root that serving needs. All else is
// source, tools and tests.
var runtime = []string{
	"LICENSE",
	"conf/context.yaml",
	"conf/go_solr_mirrors.yaml",
	"conf/go_sql_mirrors.yaml",
	"conf/grebe.yaml",
	"conf/handlers.yaml",
	"conf/rte_resources.yaml",
	"javascript/npm/amigo2-instance-data/lib/data",
	"javascript/staging",
	"package.json",
	"perl/bin",
	"perl/lib",
	"static",
	"templates",
}

// Runtime returns the paths below AmiGO's root that serving needs, one a line.
// Some may not be there.
func Runtime() string { return strings.Join(runtime, "\n") + "\n" }
