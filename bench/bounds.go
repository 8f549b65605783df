package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Bounds are the largest geometric mean that each column may have, by its name. They
// leave room for other machines and for noise.
type Bounds map[string]float64

// ReadBounds reads a JSON object of numbers.
func ReadBounds(r io.Reader) (b Bounds, err error) {
	d := json.NewDecoder(r)
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("it is no JSON object of numbers by column: %w", err)
	}
	for name, v := range b {
		if v <= 0 {
			return nil, fmt.Errorf("the bound of %s is %g, not positive", name, v)
		}
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("it has no bounds")
	}
	return b, nil
}

// Exceeded says which bounds do not hold. Mean.Best counts, and of several reports of
// the same machine the least: noise makes times longer only. A bound of a column that
// was not measured is an error.
func (b Bounds) Exceeded(reports ...*Report) (exceeded []string, err error) {
	for _, r := range reports {
		if r.Baseline != "" && r.column(r.Baseline).Kind != KindDirect {
			return nil, fmt.Errorf("bounds are ratios to native speed: %w", ErrNoDirect)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		least := 0.0
		for _, r := range reports {
			m, ok := r.Means[name]
			if !ok {
				return nil, fmt.Errorf("there is a bound for %s, which was not measured", name)
			}
			if least == 0 || m.Best < least {
				least = m.Best
			}
		}
		if least > b[name] {
			exceeded = append(exceeded, fmt.Sprintf("the kernels take %.3f times as long in %s, and the bound is %.3f",
				least, name, b[name]))
		}
	}
	return exceeded, nil
}
