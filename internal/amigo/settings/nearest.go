package settings

import "fmt"

// UnknownError says that the source has no setting of a name.
type UnknownError struct {
	Nearest string // the known name that is most like it, or "" when none is
}

func (e *UnknownError) Error() string {
	if e.Nearest == "" {
		return "this AmiGO has no such setting; conf/.initial_values.yaml in its source lists them"
	}
	return fmt.Sprintf("this AmiGO has no such setting (did you mean %s?)", e.Nearest)
}

func (i Instance) unknown(name string) error {
	nearest, least := "", len(name)/2+1
	for _, known := range i.Names() {
		if d := distance(name, known); d < least {
			nearest, least = known, d
		}
	}
	return &UnknownError{Nearest: nearest}
}

// distance is Levenshtein's: how many letters must be added, removed or
// replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
