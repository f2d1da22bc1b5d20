package changes

import (
	"cmp"
	"strings"
)

// CompareVersions orders two versions of Debian packages as dpkg does
// (deb-version(7)): epoch, upstream version, revision.
func CompareVersions(a, b string) int {
	epochA, upstreamA, revisionA := splitVersion(a)
	epochB, upstreamB, revisionB := splitVersion(b)
	return cmp.Or(compareNumbers(epochA, epochB), compareParts(upstreamA, upstreamB), compareParts(revisionA, revisionB))
}

func splitVersion(v string) (epoch, upstream, revision string) {
	if before, after, ok := strings.Cut(v, ":"); ok {
		epoch, v = before, after
	}
	if dash := strings.LastIndexByte(v, '-'); dash >= 0 {
		v, revision = v[:dash], v[dash+1:]
	}
	return epoch, v, revision
}

// compareParts compares text and numbers in turn, from the left.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		var textA, textB, numberA, numberB string
		textA, a = leading(a, false)
		textB, b = leading(b, false)
		numberA, a = leading(a, true)
		numberB, b = leading(b, true)
		if order := cmp.Or(compareText(textA, textB), compareNumbers(numberA, numberB)); order != 0 {
			return order
		}
	}
	return 0
}

// leading cuts off what v begins with: digits or anything but digits.
func leading(v string, digits bool) (part, rest string) {
	end := strings.IndexFunc(v, func(r rune) bool { return isDigit(r) != digits })
	if end < 0 {
		end = len(v)
	}
	return v[:end], v[end:]
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func compareText(a, b string) int {
	for i := range max(len(a), len(b)) {
		if order := cmp.Compare(weight(a, i), weight(b, i)); order != 0 {
			return order
		}
	}
	return 0
}

// weight is a character's place in the order: a tilde before the end, the end
// before letters, letters before everything else.
func weight(text string, i int) int {
	if i >= len(text) {
		return 0
	}
	switch c := text[i]; {
	case c == '~':
		return -1
	case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return int(c)
	default:
		return int(c) + 256
	}
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
