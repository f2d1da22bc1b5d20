package manifest

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// CommitsName is the name of the file that [FormatCommits] writes.
const CommitsName = "commits.txt"

// CommitList is the role of the file that [FormatCommits] writes.
const CommitList Role = "commits"

// MaxCommits is how many commits an image keeps. They are of all branches that
// were merged: AmiGO's first parents alone leave out most of what was done.
const MaxCommits = 500

// maxSubject is how many characters of a subject are kept.
const maxSubject = 200

// Commit is a commit of AmiGO's history. Nothing in it says who made it.
type Commit struct {
	ID      string // in full
	Date    string // YYYY-MM-DD, UTC, when it was committed
	Parents []string
	Subject string // as [Subject] returns it
}

var (
	commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	unseen   = func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
)

// Subject returns the subject of a commit on one line, without what would
// move a terminal's cursor or turn the direction of text.
func Subject(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), unseen)
	if r := []rune(strings.Join(words, " ")); len(r) > maxSubject {
		return strings.TrimSpace(string(r[:maxSubject-2])) + ".."
	}
	return strings.Join(words, " ")
}

// FormatCommits returns the content of commits.txt: for each commit a line
// "id date parents subject", with a comma between parents and a dash for none.
func FormatCommits(commits []Commit) string {
	var out strings.Builder
	for _, c := range commits {
		parents := strings.Join(c.Parents, ",")
		if parents == "" {
			parents = "-"
		}
		fmt.Fprintf(&out, "%s %s %s %s\n", c.ID, c.Date, parents, c.Subject)
	}
	return out.String()
}

// ParseCommits reads what [FormatCommits] writes.
func ParseCommits(r io.Reader) ([]Commit, error) {
	var commits []Commit
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		c, err := parseCommit(scanner.Text())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", CommitsName, err)
		}
		commits = append(commits, c)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", CommitsName, err)
	}
	return commits, nil
}

func parseCommit(line string) (Commit, error) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) != 4 {
		return Commit{}, fmt.Errorf("%.80q is not a commit, its date, parents and subject", line)
	}
	c := Commit{ID: fields[0], Date: fields[1], Subject: fields[3]}
	if fields[2] != "-" {
		c.Parents = strings.Split(fields[2], ",")
	}
	for _, id := range append([]string{c.ID}, c.Parents...) {
		if !commitID.MatchString(id) {
			return Commit{}, fmt.Errorf("%.80q is not a commit", id)
		}
	}
	if _, err := time.Parse(time.DateOnly, c.Date); err != nil {
		return Commit{}, fmt.Errorf("%.80q is not the date of a commit", c.Date)
	}
	if Subject(c.Subject) != c.Subject {
		return Commit{}, fmt.Errorf("%.80q is not the subject of a commit", c.Subject)
	}
	return c, nil
}
