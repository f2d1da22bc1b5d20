package ontology

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// ErrNotOBO tells that a file is not an ontology in one of the forms that are read.
var ErrNotOBO = errors.New("is neither in the OBO format nor OBO Graphs in JSON: it does not begin with format-version, a stanza like [Term], or {")

// obo reads the OBO format, 1.2 and 1.4
// (https://owlcollab.github.io/oboformat/doc/obo-syntax.html).
type obo struct {
	text      *lines.Reader
	note      lines.Note
	relations *relations
	found     func(*Term)

	version   string // that the header tells
	namespace string // of terms that name none
	stanza    string
	term      *Term
	id        string // of a relation
	relation  relation
	xrefs     []string
}

func readOBO(text *lines.Reader, note lines.Note, r *relations, found func(*Term)) (version string, err error) {
	p := &obo{text: text, note: note, relations: r, found: found}
	started := false
	for {
		line, err := text.Next()
		if errors.Is(err, io.EOF) {
			p.end()
			if !started {
				return "", ErrNotOBO
			}
			return p.version, nil
		}
		if err != nil {
			return "", err
		}
		content := strings.TrimSpace(string(line))
		if content == "" || content[0] == '!' {
			continue
		}
		if content[0] == '[' {
			started = true
			p.begin(content)
			continue
		}
		tag, value, ok := strings.Cut(content, ":")
		if !ok || strings.ContainsAny(tag, " \t\"") {
			if !started {
				return "", fmt.Errorf("line %d: %w", text.Place.Line, ErrNotOBO)
			}
			note(text.Place, "a line that has no tag", content)
			continue
		}
		started = true
		p.tag(tag, strings.TrimSpace(value))
	}
}

// badID says that an ID would not survive in an address.
const badID = "a term whose ID has spaces or characters of HTML, or is too long"

func (p *obo) begin(content string) {
	p.end()
	p.stanza = strings.Trim(content, "[] ")
	p.term = &Term{Place: p.text.Place}
	p.id, p.relation, p.xrefs = "", relation{}, nil
}

// end takes in the stanza that was read.
func (p *obo) end() {
	switch {
	case p.stanza == "Term" && p.term.ID == "":
		p.note(p.term.Place, "a term without an ID", "")
	case p.stanza == "Term" && !usable(p.term.ID):
		p.note(p.term.Place, badID, p.term.ID)
	case p.stanza == "Term":
		if p.term.Namespace == "" {
			p.term.Namespace = p.namespace
		}
		p.found(p.term)
	case p.stanza == "Typedef" && p.id != "":
		p.relations.add(p.id, p.relation, p.xrefs)
	}
	p.stanza = ""
}

func (p *obo) tag(tag, value string) {
	switch p.stanza {
	case "":
		switch tag {
		case "default-namespace":
			p.namespace = plain(value)
		case "data-version":
			p.version = plain(value)
		}
	case "Term":
		if !p.termTag(tag, value) {
			p.note(p.text.Place, "a "+tag+" that cannot be read", value)
		}
	case "Typedef":
		p.relationTag(tag, plain(value))
	}
}

// termTag takes in a tag of a term. It returns false if the value is none.
func (p *obo) termTag(tag, value string) bool {
	t := p.term
	if to := t.text(tag); to != nil {
		*to = plain(value)
		return *to != ""
	}
	if to := t.list(tag); to != nil {
		text := plain(described.ReplaceAllString(value, "")) // a description may follow
		*to = append(*to, text)
		return text != ""
	}
	switch tag {
	case "def":
		text, rest, ok := quoted(value)
		t.Definition, t.DefXrefs = text, xrefsOf(rest)
		return ok
	case "synonym":
		text, _, ok := quoted(value)
		if ok {
			t.Synonyms = append(t.Synonyms, text)
		}
		return ok
	case "is_obsolete":
		t.Obsolete = plain(value) == "true"
	case IsA:
		return p.link(IsA, plain(value))
	case "relationship":
		name, target, ok := strings.Cut(plain(value), " ")
		return ok && p.link(name, strings.TrimSpace(target))
	}
	return true
}

// text returns where a tag's one value belongs, or nil.
func (t *Term) text(tag string) *string {
	switch tag {
	case "id":
		return &t.ID
	case "name":
		return &t.Name
	case "namespace":
		return &t.Namespace
	case "comment":
		return &t.Comment
	}
	return nil
}

// list returns where a tag's values belong, or nil.
func (t *Term) list(tag string) *[]string {
	switch tag {
	case "alt_id":
		return &t.AltIDs
	case "subset":
		return &t.Subsets
	case "xref":
		return &t.Xrefs
	case "replaced_by":
		return &t.ReplacedBy
	case "consider":
		return &t.Consider
	}
	return nil
}

func (p *obo) link(relation, target string) bool {
	if target == "" || strings.ContainsAny(target, " \t") {
		return false
	}
	p.term.Links = append(p.term.Links, Link{relation, target})
	return true
}

func (p *obo) relationTag(tag, value string) {
	switch tag {
	case "id":
		p.id = value
	case "name":
		p.relation.name = value
	case "xref":
		p.xrefs = append(p.xrefs, value)
	case "is_transitive":
		p.relation.transitive = value == "true"
	case "transitive_over":
		p.relation.over = append(p.relation.over, value)
	case IsA:
		p.relation.above = append(p.relation.above, value)
	case "holds_over_chain", "equivalent_to_chain":
		if first, second, ok := strings.Cut(value, " "); ok {
			p.relation.chains = append(p.relation.chains, [2]string{first, strings.TrimSpace(second)})
		}
	}
}

var (
	// behind is what may follow a value: qualifiers, and a comment.
	behind = regexp.MustCompile(`(\s+\{[^{}]*\})?(\s+!.*)?$`)
	// described is the description of a reference.
	described = regexp.MustCompile(`\s*"(?:[^"\\]|\\.)*"`)
	escape    = strings.NewReplacer(`\n`, "\n", `\W`, " ", `\t`, "\t", `\:`, ":", `\,`, ",", `\"`, `"`, `\\`, `\`,
		`\(`, "(", `\)`, ")", `\[`, "[", `\]`, "]", `\{`, "{", `\}`, "}", `\!`, "!")
)

// plain returns a value without what may follow it.
func plain(value string) string {
	return strings.TrimSpace(escape.Replace(value[:behind.FindStringIndex(value)[0]]))
}

// quoted returns the text in quotation marks that value begins with.
func quoted(value string) (text, rest string, ok bool) {
	if !strings.HasPrefix(value, `"`) {
		return "", "", false
	}
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return escape.Replace(value[1:i]), value[i+1:], true
		}
	}
	return "", "", false
}

// xrefsOf returns the list in brackets that stands in text.
func xrefsOf(text string) []string {
	from := strings.IndexByte(text, '[')
	to := strings.LastIndexByte(text, ']')
	if from < 0 || to <= from {
		return nil
	}
	var all []string
	for _, part := range strings.Split(described.ReplaceAllString(text[from+1:to], ""), ",") {
		if part = strings.TrimSpace(escape.Replace(part)); part != "" {
			all = append(all, part)
		}
	}
	return all
}
