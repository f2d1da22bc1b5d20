package boottest

import (
	"context"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
)

// unitsPatience is how long a machine that was just looked at may take to show
// its journals.
const unitsPatience = 3 * time.Minute

// steadyUnits keeps the journals of what serves, and checks that none of it
// died and came back in the meantime.
func steadyUnits(ctx context.Context, s subject) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, unitsPatience)
	defer cancel()
	units, err := serving.InspectUnits(ctx, s.guest)
	for name, content := range units.Files() {
		s.evidence.keep(name, content)
	}
	if err != nil {
		return "", err
	}
	return "", units.Steady()
}
