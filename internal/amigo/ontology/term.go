package ontology

import (
	"cmp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// longestID is how many bytes an ID may have. GO's have ten.
const longestID = 255

// usable tells whether an ID can be one: it goes into addresses and searches.
func usable(id string) bool {
	return id != "" && len(id) <= longestID && lines.Clean(id) == id && !strings.ContainsAny(id, " <>\"'&\\|")
}

// merge takes in what another file says of the term.
func (t *Term) merge(other *Term) {
	t.Name, t.Namespace = cmp.Or(t.Name, other.Name), cmp.Or(t.Namespace, other.Namespace)
	t.Comment = cmp.Or(t.Comment, other.Comment)
	if t.Definition == "" {
		t.Definition, t.DefXrefs = other.Definition, other.DefXrefs
	}
	for _, list := range []struct {
		to   *[]string
		more []string
	}{
		{&t.Xrefs, other.Xrefs}, {&t.Synonyms, other.Synonyms}, {&t.Subsets, other.Subsets}, {&t.AltIDs, other.AltIDs},
		{&t.ReplacedBy, other.ReplacedBy}, {&t.Consider, other.Consider},
	} {
		*list.to = union(*list.to, list.more)
	}
	t.Links = append(t.Links, other.Links...)
	t.Obsolete = t.Obsolete || other.Obsolete
}

// union returns the items of both lists, each once.
func union(a, b []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, list := range [][]string{a, b} {
		for _, item := range list {
			if !seen[item] {
				seen[item] = true
				all = append(all, item)
			}
		}
	}
	return all
}

// clean makes one line of each text.
func (t *Term) clean() {
	for _, text := range []*string{&t.Name, &t.Namespace, &t.Definition, &t.Comment} {
		*text = lines.Clean(*text)
	}
	for _, list := range []*[]string{&t.DefXrefs, &t.Xrefs, &t.Synonyms, &t.Subsets, &t.AltIDs, &t.ReplacedBy, &t.Consider} {
		for i, text := range *list {
			(*list)[i] = lines.Clean(text)
		}
	}
}
