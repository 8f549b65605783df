package bench

import (
	"context"

	"cabitrans/argdata"
)

// A ThreadsResult is the time that a number of threads takes for the same work, in a
// column. Speedup is to one thread of the same run and column.
type ThreadsResult struct {
	Column  string  `json:"column"`
	Threads int     `json:"threads"`
	NS      Values  `json:"ns"`
	Speedup Values  `json:"speedup"`
	Ratio   *Values `json:"ratio,omitempty"` // to the baseline with as many threads
}

// threadCounts are those that are measured.
var threadCounts = []int{1, 2, 4, 16}

// scaleRounds is work for some 30 ms of one thread: to start and to await threads takes
// a tenth of a millisecond.
const scaleRounds = 8_000_000

// threads measures the program scale. On one processor there is nothing to see.
func (r *runner) threads(ctx context.Context) error {
	if r.Pin != NoPin {
		r.report.Missing = append(r.report.Missing, "scaling by threads: all of them are on one processor")
		return nil
	}
	cs := headline(r.columns)
	for i := len(cs) - 1; i >= 0; i-- {
		if cs[i].elsewhere() {
			cs = append(cs[:i], cs[i+1:]...)
		}
	}
	p, err := Embedded(scaleProgram)
	if err != nil {
		return err
	}
	samples := make(map[string]map[int][]float64)
	err = r.interleave(ctx, "threads", cs, func(c *Column, run int) error {
		if samples[c.Name] == nil {
			samples[c.Name] = make(map[int][]float64)
		}
		for _, n := range threadCounts {
			m, err := c.scale(ctx, p, scaleRounds, n, r.Repeats)
			if err != nil {
				return err
			}
			samples[c.Name][n] = append(samples[c.Name][n], float64(m.Best))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range cs {
		for _, n := range threadCounts {
			ns := samples[c.Name][n]
			res := ThreadsResult{Column: c.Name, Threads: n, NS: summarize(ns),
				Speedup: summarize(ratios(samples[c.Name][1], ns))}
			if base := samples[r.report.Baseline]; base != nil {
				v := summarize(ratios(ns, base[n]))
				res.Ratio = &v
			}
			r.report.Threads = append(r.report.Threads, res)
		}
	}
	return nil
}

// scale runs the program by a number of threads.
func (c *Column) scale(ctx context.Context, p Program, rounds uint64, threads, repeats int) (m Measurement, err error) {
	s := Setup{N: rounds, Repeats: repeats, More: argdata.Map{
		{Key: argdata.String("threads"), Value: argdata.Uint(uint64(threads))}}}
	out, _, err := c.output(ctx, p, s)
	if err != nil {
		return m, err
	}
	return m, m.parse(string(out))
}
