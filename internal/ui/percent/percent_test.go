package percent

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]float64{"0%": 0, "0.5%": 0.005, "5%": 0.05, "100%": 1} {
		if got, ok := Parse(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "%", "5", "-1%", "101%", "NaN%", "Inf%", "5 %", "much"} {
		if got, ok := Parse(text); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
