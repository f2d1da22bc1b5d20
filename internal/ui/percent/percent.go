// Package percent reads parts of a whole as people write them.
package percent

import (
	"strconv"
	"strings"
)

// Parse reads "5%" as 0.05. It takes what is between 0% and 100%.
func Parse(text string) (part float64, ok bool) {
	number, ok := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(value >= 0 && value <= 100) {
		return 0, false
	}
	return value / 100, true
}
