package chart

import (
	"fmt"
	"slices"

	"cabitrans/bench"
)

// A Chart is a drawing.
type Chart struct {
	Name  string // of a file, without its end
	Title string
	About string // how to read it, in sentences
	SVG   []byte
}

// Charts draws what there is in a report.
func Charts(r *bench.Report) (cs []Chart, err error) {
	for _, c := range []struct {
		name, about string
		plot        func(*bench.Report) *plot
	}{
		{"kernels", "Lower is better; 1 is the same program, not translated. Thin lines are the median deviation of runs. " +
			"Numbers stand above bars that are cut off, and above those that exceed 1.05.", kernels},
		{"means", "The geometric mean of all kernels in each way to run them.", means},
		{"switches", "What a guest's system call costs that reads the clock, the clock itself included.", switches},
		{"breakeven", "How much longer a program takes that computes for a second and meanwhile makes so many system calls, " +
			"than one that makes none and is not translated. Where a line crosses another, the cheaper way changes.", breakEven},
		{"threads", "How much faster several threads do the same work than one does. There are as many processors as the " +
			"heading says.", threads},
		{"size", "Memory for translated code, and for the look-up table, by the size of the program's text.", size},
		{"lookup", "What calling a function costs by the size of the program's text: functions are called in turn, first " +
			"once, which translates them, and then through a pointer, with and without an entry in the look-up table.", lookup},
	} {
		p := c.plot(r)
		if p == nil {
			continue
		}
		svg, err := p.svg()
		if err != nil {
			return nil, err
		}
		cs = append(cs, Chart{c.name, p.title, c.about, svg})
	}
	return cs, nil
}

// others are the headline's columns without the baseline.
func others(r *bench.Report) []string {
	return slices.DeleteFunc(slices.Clone(r.Headline), func(c string) bool { return c == r.Baseline })
}

// cutRatio is the largest ratio that bars show in full.
const cutRatio = 3

// kernels has a group of bars for each kernel.
func kernels(r *bench.Report) *plot {
	if r.Baseline == "" {
		return nil
	}
	cs := others(r)
	p := &plot{title: "Time of each kernel, to that of " + r.Baseline, y: axis{name: "ratio"}, mark: 1}
	p.x.ticks = []tick{{-0.6, ""}}
	most := 1.2
	for j, c := range cs {
		s := series{name: c, colour: colour(j), bars: 0.8 / float64(len(cs))}
		for _, k := range r.Kernels {
			v, ok := k.Columns[c]
			if !ok || v.Ratio == nil || k.Apart != "" {
				continue
			}
			i := kernelPlace(p, k.Name)
			s.x = append(s.x, float64(i)+(float64(j)-float64(len(cs)-1)/2)*s.bars)
			s.y = append(s.y, v.Ratio.Median)
			s.spread = append(s.spread, v.Ratio.MAD)
			label := ""
			if v.Ratio.Median > 1.05 && (len(cs) <= 3 || v.Ratio.Median > cutRatio) {
				label = fmt.Sprintf("%.2f", v.Ratio.Median)
			}
			s.labels = append(s.labels, label)
			most = max(most, v.Ratio.Median+v.Ratio.MAD)
		}
		if len(s.x) > 0 {
			p.all = append(p.all, s)
		}
	}
	if len(p.all) == 0 {
		return nil
	}
	p.x.ticks = append(p.x.ticks, tick{float64(len(p.x.ticks)-2) + 0.6, ""})
	p.y.ticks = linearTicks(0, min(most*1.05, cutRatio))
	return p
}

// kernelPlace is where a kernel's group stands; the ticks remember it.
func kernelPlace(p *plot, kernel string) int {
	for i, t := range p.x.ticks[1:] {
		if t.label == kernel {
			return i
		}
	}
	p.x.ticks = append(p.x.ticks, tick{float64(len(p.x.ticks) - 1), kernel})
	return len(p.x.ticks) - 2
}

// columnBars has one bar for each column that has a value.
func columnBars(r *bench.Report, p *plot, value func(column string) (v, spread float64, ok bool), format string) *plot {
	p.x.ticks = []tick{{-0.6, ""}}
	most := 0.0
	for j, c := range r.Columns {
		v, spread, ok := value(c.Name)
		if !ok {
			continue
		}
		at := float64(len(p.all))
		p.x.ticks = append(p.x.ticks, tick{at, c.Name})
		p.all = append(p.all, series{colour: colour(j), bars: 0.6, x: []float64{at}, y: []float64{v},
			spread: []float64{spread}, labels: []string{fmt.Sprintf(format, v)}})
		most = max(most, v+spread)
	}
	if len(p.all) == 0 || most == 0 {
		return nil
	}
	p.x.ticks = append(p.x.ticks, tick{float64(len(p.all)-1) + 0.6, ""})
	p.y.ticks = linearTicks(0, most*1.08)
	return p
}

func means(r *bench.Report) *plot {
	return columnBars(r, &plot{title: "Geometric mean of the kernels", y: axis{name: "ratio"}, mark: 1},
		func(c string) (v, spread float64, ok bool) {
			m, ok := r.Means[c]
			return m.Median, 0, ok
		}, "%.3f")
}

func switches(r *bench.Report) *plot {
	return columnBars(r, &plot{title: "Guest to host and back", y: axis{name: "ns a call"}},
		func(c string) (v, spread float64, ok bool) {
			for _, s := range r.Switches {
				if s.Column == c {
					return s.NS.Median, s.NS.MAD, true
				}
			}
			return 0, 0, false
		}, "%.0f")
}

// Rates and overheads that the break-even chart has room for.
const (
	leastRate, mostRate         = 1e3, 2e7
	leastOverhead, mostOverhead = 0.001, 10
)

func breakEven(r *bench.Report) *plot {
	p := &plot{title: "Overhead by switches a second",
		x: axis{name: "switches a second", log: true, ticks: logTicks(leastRate, mostRate/2, si(""))},
		y: axis{name: "longer by", log: true, ticks: logTicks(leastOverhead, mostOverhead, func(v float64) string {
			return fmt.Sprintf("%.4g %%", v*100)
		})}}
	for i, b := range r.BreakEven {
		direct := slices.ContainsFunc(r.Columns, func(c bench.Column) bool {
			return c.Name == b.Column && c.Kind == bench.KindDirect
		})
		s := series{name: b.Column, colour: colour(i), dashed: direct}
		for rate := leastRate; rate <= mostRate/2*1.001; rate *= 1.2589254117941673 { // ten to a decade
			s.x, s.y = append(s.x, rate), append(s.y, b.Time(rate)-1)
		}
		p.all = append(p.all, s)
	}
	if len(p.all) == 0 {
		return nil
	}
	return p
}

func threads(r *bench.Report) *plot {
	p := &plot{title: fmt.Sprintf("Speed-up by threads, on %d processors", r.Machine.Processors),
		x: axis{name: "threads", log: true}, y: axis{name: "speed-up"}, mark: 1}
	most := 1.2
	for i, c := range r.Headline {
		s := series{name: c, colour: colour(i)}
		for _, t := range r.Threads {
			if t.Column == c {
				s.x, s.y = append(s.x, float64(t.Threads)), append(s.y, t.Speedup.Median)
				s.spread = append(s.spread, t.Speedup.MAD)
				most = max(most, t.Speedup.Median+t.Speedup.MAD)
			}
		}
		if len(s.x) > 0 {
			p.all = append(p.all, s)
			p.x.ticks = twoTicks(s.x)
		}
	}
	if len(p.all) == 0 {
		return nil
	}
	p.y.ticks = linearTicks(0, most)
	return p
}

// byText makes lines over the size of text.
func byText(r *bench.Report, p *plot, label func(float64) string, lines func(t *bench.TextResult) map[string]float64,
	names []string) *plot {
	lo, hi := 0.0, 0.0
	p.x = axis{name: "text of the program, bytes", log: true}
	p.y.log = true
	var sizes []float64
	for _, c := range r.Headline {
		for _, name := range names {
			s := series{name: c + ": " + name, colour: colour(len(p.all)), dashed: c == r.Baseline}
			for i := range r.Text {
				t := &r.Text[i]
				v, ok := lines(t)[name]
				if t.Column != c || !ok || v <= 0 {
					continue
				}
				s.x, s.y = append(s.x, float64(t.Text)), append(s.y, v)
				sizes = append(sizes, float64(t.Text))
				if lo == 0 {
					lo, hi = v, v
				}
				lo, hi = min(lo, v), max(hi, v)
			}
			if len(s.x) > 0 {
				p.all = append(p.all, s)
			}
		}
	}
	if len(p.all) == 0 {
		return nil
	}
	p.x.ticks = logTicks(slices.Min(sizes), slices.Max(sizes), si("B"))
	if last := &p.x.ticks[len(p.x.ticks)-1]; last.at > slices.Max(sizes) && len(p.x.ticks) > 2 {
		*last = tick{slices.Max(sizes), ""}
	}
	p.y.ticks = logTicks(lo, hi, label)
	return p
}

func size(r *bench.Report) *plot {
	return byText(r, &plot{title: "Memory by size of text", y: axis{name: "bytes"}}, si("B"),
		func(t *bench.TextResult) map[string]float64 {
			return map[string]float64{"code": float64(t.HostBytes), "table": float64(t.TableBytes)}
		}, []string{"code", "table"})
}

func lookup(r *bench.Report) *plot {
	return byText(r, &plot{title: "A call by size of text", y: axis{name: "a function"}}, duration,
		func(t *bench.TextResult) map[string]float64 {
			return map[string]float64{"first": t.FirstNS.Median, "again": t.AgainNS.Median, "miss": t.MissNS.Median,
				"hit": t.LookupNS.Median}
		}, []string{"first", "again", "miss", "hit"})
}
