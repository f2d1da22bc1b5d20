package main

import (
	"math/rand/v2"
	"net/url"
	"strings"
)

// asked are the searches of AmiGO's pages: the fields in which they look, and those
// that they offer as filters (metadata/ann-config.yaml and bio-config.yaml).
var asked = []struct{ category, fields, facets string }{
	{
		"annotation",
		"annotation_class^2.0 annotation_class_label_searchable^1.0 bioentity^2.0 bioentity_label_searchable^1.0 " +
			"bioentity_name_searchable^1.0 reference^1.0 isa_partof_closure^1.0 isa_partof_closure_label_searchable^1.0",
		"aspect taxon_subset_closure_label type evidence_subset_closure_label regulates_closure_label " +
			"isa_partof_closure_label annotation_class_label qualifier annotation_extension_class_closure_label " +
			"assigned_by panther_family_label",
	},
	{
		"bioentity",
		"bioentity^2.0 bioentity_label_searchable^2.0 bioentity_name_searchable^1.0 bioentity_internal_id^1.0 " +
			"synonym_searchable^1.0 isa_partof_closure^1.0 isa_partof_closure_label_searchable^1.0",
		"source taxon_subset_closure_label type panther_family_label annotation_class_list_label isa_partof_closure_label",
	},
}

// words are what people look for.
var words = []string{
	"kinase", "apoptotic", "membrane", "transport", "binding", "receptor", "zinc", "mitochondri", "ribosom", "histone", "actin", "lipid", "immune", "neuron",
}

func search(random *rand.Rand, terms []string) string {
	in := asked[random.IntN(len(asked))]
	query := url.Values{
		"defType": {"edismax"}, "qt": {"standard"}, "wt": {"json"}, "rows": {"10"}, "start": {"0"}, "fl": {"*,score"},
		"facet": {"true"}, "facet.mincount": {"1"}, "facet.sort": {"count"}, "json.nl": {"arrarr"}, "facet.limit": {"25"},
		"hl": {"true"}, "hl.simple.pre": {`<em class="hilite">`}, "hl.snippets": {"1000"},
		"fq": {`document_category:"` + in.category + `"`}, "q": {words[random.IntN(len(words))] + "*"},
		"qf": strings.Fields(in.fields), "facet.field": strings.Fields(in.facets),
	}
	if random.IntN(2) == 0 {
		query.Add("fq", `isa_partof_closure:"`+terms[random.IntN(len(terms))]+`"`)
	}
	return "/solr/select?" + query.Encode()
}

func page(random *rand.Rand, terms []string) string {
	return "/amigo/term/" + terms[random.IntN(len(terms))]
}
