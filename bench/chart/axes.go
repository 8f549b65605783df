package chart

import (
	"fmt"
	"math"
	"strconv"
)

// linearTicks go from 0, or lo, in round steps beyond hi.
func linearTicks(lo, hi float64) (ts []tick) {
	step := math.Pow(10, math.Floor(math.Log10(hi-lo)))
	for _, f := range []float64{0.1, 0.2, 0.5, 1} {
		if (hi-lo)/(f*step) <= 10 {
			step *= f
			break
		}
	}
	from := math.Floor(lo/step + 1e-9)
	for i := from; ; i++ {
		v := i * step
		ts = append(ts, tick{v, strconv.FormatFloat(v, 'g', 6, 64)})
		if v >= hi {
			return ts
		}
	}
}

// logTicks are the powers of ten from one that is at most lo to one that is at least hi.
func logTicks(lo, hi float64, label func(float64) string) (ts []tick) {
	from, to := math.Floor(math.Log10(lo)+1e-9), math.Ceil(math.Log10(hi)-1e-9)
	for e := from; e <= max(to, from+1); e++ {
		v := math.Pow(10, e)
		ts = append(ts, tick{v, label(v)})
	}
	return ts
}

// twoTicks are powers of two, for numbers of threads.
func twoTicks(values []float64) (ts []tick) {
	for v := 1.0; ; v *= 2 {
		ts = append(ts, tick{v, fmt.Sprint(v)})
		if v >= values[len(values)-1] && len(ts) > 1 {
			return ts
		}
	}
}

// si writes a power of ten, or any number, with a prefix.
func si(unit string) func(float64) string {
	return func(v float64) string {
		for _, u := range []struct {
			of   float64
			name string
		}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
			if v >= u.of {
				return strconv.FormatFloat(v/u.of, 'g', 3, 64) + u.name + unit
			}
		}
		return strconv.FormatFloat(v, 'g', 3, 64) + unit
	}
}

// duration writes nanoseconds.
func duration(ns float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= u.of {
			return strconv.FormatFloat(ns/u.of, 'g', 3, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(ns, 'g', 3, 64) + " ns"
}
