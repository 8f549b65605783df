package bench

import (
	"context"
	"fmt"
	"slices"
)

// kernels measures every kernel in every column, and what follows from that.
func (r *runner) kernels(ctx context.Context) error {
	for _, name := range r.Kernels {
		k, _ := kernelNamed(name)
		res, err := r.kernel(ctx, k)
		if err != nil {
			return err
		}
		r.report.Kernels = append(r.report.Kernels, res)
	}
	r.report.finish()
	return nil
}

// kernel measures one. Peers run Linux builds of those that are no system calls.
func (r *runner) kernel(ctx context.Context, k Kernel) (res KernelResult, err error) {
	cs := r.columns
	if k.Name == switchKernel {
		cs = slices.DeleteFunc(slices.Clone(cs), func(c Column) bool { return c.Kind == KindPeer })
	}
	s := Setup{N: k.N, Repeats: r.Repeats, CPU: r.report.Settings.Clock == ClockCPU && k.Apart == ""}
	if k.Name == coldKernel {
		s.Repeats = 1
	}
	samples := make(map[string][]float64)
	var want *Measurement
	measure := func(c *Column, run int) error {
		m, err := c.run(ctx, k.Name, s)
		switch {
		case err != nil:
			return err
		case want == nil:
			want = &m
		case m.Result != want.Result || m.N != want.N:
			return fmt.Errorf("kernel(%d) answered %#x, and kernel(%d) %#x elsewhere", m.N, m.Result, want.N, want.Result)
		}
		samples[c.Name] = append(samples[c.Name], float64(m.Best))
		return nil
	}
	for more := range mostTimesRuns {
		if more > 0 && (k.Apart != "" || agree(samples)) {
			break
		}
		if err := r.interleave(ctx, k.Name, cs, measure); err != nil {
			return res, err
		}
	}
	res = KernelResult{Name: k.Name, N: want.N, Result: fmt.Sprintf("%016x", want.Result), Apart: k.Apart, Columns: make(map[string]KernelValues)}
	base := samples[r.report.Baseline]
	for name, ns := range samples {
		v := KernelValues{NS: summarize(ns)}
		if len(base) > 0 {
			ratio := summarize(ratios(ns, base))
			v.Ratio, v.BestRatio = &ratio, slices.Min(ns)/slices.Min(base)
		}
		res.Columns[name] = v
	}
	return res, nil
}

// A machine that is busy for long can disturb every sample of a column. The two least
// ones then rarely agree, and the runs are made again, at most so many times in all.
const mostTimesRuns = 3

// agreeWithin is by how much the two least samples of a column may differ.
const agreeWithin = 0.02

// agree reports whether the least sample of every column is confirmed by another.
func agree(samples map[string][]float64) bool {
	for _, s := range samples {
		if s := slices.Sorted(slices.Values(s)); len(s) > 1 && s[1] > s[0]*(1+agreeWithin) {
			return false
		}
	}
	return true
}

// finish derives means and costs from kernels.
func (r *Report) finish() {
	r.Means = make(map[string]Mean)
	for _, c := range r.Columns {
		if m := r.mean(c.Name); m.Kernels > 0 {
			r.Means[c.Name] = m
		}
	}
	for _, k := range r.Kernels {
		for _, c := range r.Columns {
			v, ok := k.Columns[c.Name]
			switch {
			case !ok:
			case k.Name == switchKernel:
				r.Switches = append(r.Switches, SwitchResult{c.Name, v.NS.scaled(1 / float64(k.N))})
			case k.Name == tlsKernel:
				r.TLS = append(r.TLS, TLSResult{c.Name, tlsAccesses, v.NS.scaled(1 / float64(k.N)), v.Ratio})
			}
		}
	}
	if len(r.Switches) > 0 {
		r.ClockNS = clockNS()
	}
	r.breakEven()
}

// mean is the geometric mean of a column.
func (r *Report) mean(column string) (m Mean) {
	var medians, best []float64
	for _, k := range r.Kernels {
		v, ok := k.Columns[column]
		if !ok || v.Ratio == nil || k.Apart != "" {
			continue
		}
		medians, best = append(medians, v.Ratio.Median), append(best, v.BestRatio)
		if v.Ratio.Median > m.Worst {
			m.Worst, m.WorstKernel = v.Ratio.Median, k.Name
		}
	}
	m.Median, m.Best, m.Kernels = geoMean(medians), geoMean(best), len(medians)
	return m
}

// breakEven says from which rate of switches a column wins. Direct columns run the
// same instructions: their slowdown is 1, and what they differ by is noise.
func (r *Report) breakEven() {
	if r.column(r.Baseline).Kind != KindDirect {
		return // of a translated column nobody knows how slow it is
	}
	for _, s := range r.Switches {
		c := r.column(s.Column)
		b := BreakEven{Column: c.Name, Slowdown: 1, SwitchNS: s.NS.Min, WinsFrom: make(map[string]float64)}
		if c.Kind != KindDirect {
			m, ok := r.Means[c.Name]
			if !ok {
				continue
			}
			b.Slowdown = m.Best
		}
		r.BreakEven = append(r.BreakEven, b)
	}
	for i := range r.BreakEven {
		b := &r.BreakEven[i]
		for _, o := range r.BreakEven {
			if r.column(o.Column).Kind != KindDirect || o.Column == b.Column {
				continue
			}
			if rate, ok := b.winsFrom(&o); ok {
				b.WinsFrom[o.Column] = rate
			}
		}
	}
}

// winsFrom solves b.Slowdown + rate*b.SwitchNS = o.Slowdown + rate*o.SwitchNS; 0 when b
// wins everywhere, and false when it does nowhere.
func (b *BreakEven) winsFrom(o *BreakEven) (rate float64, ok bool) {
	lost, gained := b.Slowdown-o.Slowdown, (o.SwitchNS-b.SwitchNS)/1e9
	switch {
	case gained <= 0:
		return 0, lost <= 0 && gained == 0
	case lost <= 0:
		return 0, true
	}
	return lost / gained, true
}

// Time is how long a second of computing with that many switches takes.
func (b *BreakEven) Time(rate float64) float64 { return b.Slowdown + rate*b.SwitchNS/1e9 }

func (r *Report) column(name string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return &Column{Name: name}
}
