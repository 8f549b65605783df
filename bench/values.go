package bench

import (
	"math"
	"slices"
)

// Values are samples of one quantity, and what they come to. No sample is thrown
// away: outliers are marked.
type Values struct {
	Samples  []float64 `json:"samples"` // in the order of the runs
	Median   float64   `json:"median"`
	MAD      float64   `json:"mad"` // median of the absolute deviations from Median
	Min      float64   `json:"min"`
	Max      float64   `json:"max"`
	Outliers []int     `json:"outliers"` // indices of samples further from Median than outlierMADs MADs
}

// A sample is an outlier when it is more than outlierMADs times the MAD away from the
// median (Hampel's rule has 3 standard deviations, about 4.4 MADs), and by more than
// outlierLeast of the median: the MAD of very quiet samples is next to nothing.
const (
	outlierMADs  = 5
	outlierLeast = 0.01
)

// summarize makes Values of samples.
func summarize(samples []float64) Values {
	v := Values{Samples: samples, Outliers: []int{}}
	if len(samples) == 0 {
		return v
	}
	v.Median, v.Min, v.Max = median(samples), slices.Min(samples), slices.Max(samples)
	away := make([]float64, len(samples))
	for i, s := range samples {
		away[i] = math.Abs(s - v.Median)
	}
	v.MAD = median(away)
	for i, d := range away {
		if d > outlierMADs*v.MAD && d > outlierLeast*math.Abs(v.Median) {
			v.Outliers = append(v.Outliers, i)
		}
	}
	return v
}

// scaled is v in another unit.
func (v Values) scaled(by float64) Values {
	s := make([]float64, len(v.Samples))
	for i := range s {
		s[i] = v.Samples[i] * by
	}
	return summarize(s)
}

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratios divides samples that were taken in the same runs.
func ratios(over, under []float64) []float64 {
	r := make([]float64, min(len(over), len(under)))
	for i := range r {
		r[i] = over[i] / under[i]
	}
	return r
}

// geoMean is the geometric mean of positive numbers; 0 for none.
func geoMean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
