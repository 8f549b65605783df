package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report for people at a terminal.
func (r *Report) WriteText(w io.Writer) error {
	t := &textWriter{w: w}
	t.machine(r)
	t.kernels(r)
	t.switches(r)
	t.translation(r)
	t.start(r)
	t.threads(r)
	t.text(r)
	t.tools(r)
	for _, m := range r.Missing {
		t.printf("\nMissing: %s\n", m)
	}
	return t.err
}

// A textWriter keeps the first error.
type textWriter struct {
	w   io.Writer
	err error
}

func (t *textWriter) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// table writes rows in columns, the first to the left and the others to the right.
func (t *textWriter) table(rows [][]string) {
	if t.err != nil {
		return
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	for _, row := range rows {
		fmt.Fprintf(tw, "%-*s\t%s\t\n", width, row[0], strings.Join(row[1:], "\t"))
	}
	t.err = tw.Flush()
	for line := range strings.Lines(b.String()) {
		t.printf("%s\n", strings.TrimRight(line, " \n"))
	}
}

func (t *textWriter) machine(r *Report) {
	m := r.Machine
	t.printf("%s, %d processors, %s/%s %s, %s; load %s before, %s after\n",
		orUnknown(m.CPU), m.Processors, m.OS, m.Arch, m.Kernel, m.Go, orUnknown(m.LoadBefore), orUnknown(m.LoadAfter))
	pinned := ""
	if r.Settings.Pin != nil {
		pinned = fmt.Sprintf(", all on processor %d", *r.Settings.Pin)
	}
	t.printf("medians of %d interleaved runs, the best of %d calls in each%s\n",
		r.Settings.Runs, r.Settings.Repeats, pinned)
}

// kernels writes ratios; without a baseline, times.
func (t *textWriter) kernels(r *Report) {
	if len(r.Kernels) == 0 {
		return
	}
	if r.Baseline != "" {
		t.printf("\nTime of each kernel, divided by that of %s in the same run%s; ± is the median deviation,\n"+
			"* marks outliers among the runs:\n\n", r.Baseline, r.baselineNote())
	} else {
		t.printf("\nTime of each kernel in ms: nothing else was run that it could be compared with:\n\n")
	}
	rows := [][]string{append([]string{"kernel"}, r.columnNames()...)}
	for _, k := range r.Kernels {
		row := []string{k.Name}
		for _, c := range r.Columns {
			row = append(row, kernelCell(k, c.Name))
		}
		rows = append(rows, row)
	}
	if len(r.Means) > 0 {
		mean, best, worst := []string{"geometric mean"}, []string{"of the least times"}, []string{"worst"}
		for _, c := range r.Columns {
			m, ok := r.Means[c.Name]
			if !ok {
				mean, best, worst = append(mean, ""), append(best, ""), append(worst, "")
				continue
			}
			mean, best = append(mean, fmt.Sprintf("%.3f", m.Median)), append(best, fmt.Sprintf("%.3f", m.Best))
			worst = append(worst, fmt.Sprintf("%.3f", m.Worst))
		}
		rows = append(rows, mean, best, worst)
	}
	t.table(rows)
	for _, k := range r.Kernels {
		if k.Apart != "" {
			t.printf("%s is not part of the mean: %s.\n", k.Name, k.Apart)
		}
	}
}

// baselineNote warns of a baseline that is no native speed.
func (r *Report) baselineNote() string {
	if r.column(r.Baseline).Kind == KindDirect {
		return ""
	}
	return ", which is translated, too: here\nnothing runs as it is, and these are no ratios to native speed"
}

func kernelCell(k KernelResult, column string) string {
	v, ok := k.Columns[column]
	switch {
	case !ok:
		return "-"
	case v.Ratio == nil:
		return fmt.Sprintf("%.2f", v.NS.Median/1e6)
	}
	mark := ""
	if len(v.Ratio.Outliers) > 0 {
		mark = "*"
	}
	return fmt.Sprintf("%.3f ±%.3f%s", v.Ratio.Median, v.Ratio.MAD, mark)
}

func (r *Report) columnNames() (names []string) {
	for _, c := range r.Columns {
		names = append(names, c.Name)
	}
	return names
}

func (t *textWriter) switches(r *Report) {
	if len(r.Switches) > 0 {
		t.printf("\nA system call that reads the clock, which itself is %.0f ns", r.ClockNS)
		if len(r.BreakEven) > 0 {
			t.printf(", and from how many of them in a second\na way to run takes less time than running directly")
		}
		t.printf(":\n\n")
		rows := [][]string{{"run", "ns a call", "±", "least", "computing", "wins over arch_prctl", "over wrfsbase"}}
		even := make(map[string]BreakEven)
		for _, b := range r.BreakEven {
			even[b.Column] = b
		}
		for _, s := range r.Switches {
			row := []string{s.Column, fmt.Sprintf("%.1f", s.NS.Median), fmt.Sprintf("%.1f", s.NS.MAD),
				fmt.Sprintf("%.1f", s.NS.Min), "", "", ""}
			if b, ok := even[s.Column]; ok {
				row[4] = fmt.Sprintf("%.3f", b.Slowdown)
				row[5], row[6] = winsCell(b, ByArchPrctl), winsCell(b, ByWRFSBASE)
			}
			rows = append(rows, row)
		}
		t.table(rows)
	}
	if len(r.TLS) > 0 {
		t.printf("\nAn access to a thread-local variable, with the call of a function around it:\n\n")
		rows := [][]string{{"run", "ns an access", "±", "ratio"}}
		for _, s := range r.TLS {
			ratio := "-"
			if s.Ratio != nil {
				ratio = fmt.Sprintf("%.3f", s.Ratio.Median)
			}
			n := float64(s.Accesses)
			rows = append(rows, []string{s.Column, fmt.Sprintf("%.2f", s.NS.Median/n), fmt.Sprintf("%.2f", s.NS.MAD/n), ratio})
		}
		t.table(rows)
	}
}

// winsCell says from which rate on a column wins over running directly.
func winsCell(b BreakEven, over Exchange) string {
	rate, ok := b.WinsFrom["direct/"+string(over)]
	switch {
	case b.Column == "direct/"+string(over):
		return ""
	case !ok:
		return "never"
	case rate == 0:
		return "always"
	}
	return fmt.Sprintf("from %s/s", siCount(rate))
}

// siCount writes a large number with three digits.
func siCount(v float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.of {
			return fmt.Sprintf("%.3g%s", v/u.of, u.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

func (t *textWriter) translation(r *Report) {
	if len(r.Translation) == 0 {
		return
	}
	t.printf("\nTranslation; the last column is how much longer the first call of the kernel takes, of %s-%d the\n"+
		"first call of each of that many functions:\n\n", coldKernel, coldFunctions)
	rows := [][]string{{"program, run", "instructions", "ns each", "ns a byte", "growth", "total ms", "above direct, ms"}}
	for _, x := range r.Translation {
		above := "-"
		if x.AboveNS != nil {
			above = fmt.Sprintf("%.2f", x.AboveNS.Median/1e6)
		}
		rows = append(rows, []string{x.Program + ", " + x.Column, fmt.Sprint(x.Instructions), fmt.Sprintf("%.0f", x.PerInsn),
			fmt.Sprintf("%.1f", x.PerByte), fmt.Sprintf("%.2f", x.Growth), fmt.Sprintf("%.2f", x.NS.Median/1e6), above})
	}
	t.table(rows)
}

func (t *textWriter) start(r *Report) {
	s := r.Start
	if s == nil {
		return
	}
	t.printf("\nA process that runs the smallest guest, beside one of the same program that does nothing:\n\n")
	mib := func(format string, v Values) string {
		if s.EmptyKiB.Max == 0 { // the host does not tell
			return "-"
		}
		return fmt.Sprintf(format, v.Median/1024)
	}
	rows := [][]string{{"run", "ms", "more", "MiB", "more"},
		{"empty", fmt.Sprintf("%.2f", s.EmptyNS.Median/1e6), "", mib("%.1f", s.EmptyKiB), ""}}
	for _, c := range r.Columns {
		if h, ok := s.Hello[c.Name]; ok {
			rows = append(rows, []string{c.Name, fmt.Sprintf("%.2f", h.NS.Median/1e6), fmt.Sprintf("+%.2f", h.ExtraNS.Median/1e6),
				mib("%.1f", h.KiB), mib("%+.1f", h.ExtraKiB)})
		}
	}
	t.table(rows)
}

func (t *textWriter) threads(r *Report) {
	if len(r.Threads) == 0 {
		return
	}
	t.printf("\nThe same work by several threads:\n\n")
	rows := [][]string{{"run", "threads", "ms", "speed-up", "to " + orUnknown(r.Baseline)}}
	for _, x := range r.Threads {
		ratio := "-"
		if x.Ratio != nil {
			ratio = fmt.Sprintf("%.3f ±%.3f", x.Ratio.Median, x.Ratio.MAD)
		}
		rows = append(rows, []string{x.Column, fmt.Sprint(x.Threads), fmt.Sprintf("%.1f", x.NS.Median/1e6),
			fmt.Sprintf("%.2f", x.Speedup.Median), ratio})
	}
	t.table(rows)
}

func (t *textWriter) text(r *Report) {
	if len(r.Text) == 0 {
		return
	}
	t.printf("\nPrograms by size of their text; ns for each function called: the first time, again, through a pointer\n" +
		"the first time (a look-up misses), and again (it hits):\n\n")
	rows := [][]string{{"run", "text KiB", "first", "again", "miss", "hit", "growth", "table KiB", "dropped"}}
	for _, x := range r.Text {
		ns := func(v Values) string { return fmt.Sprintf("%.1f", v.Median) }
		rows = append(rows, []string{x.Column, fmt.Sprint(x.Text >> 10), ns(x.FirstNS), ns(x.AgainNS), ns(x.MissNS),
			ns(x.LookupNS), fmt.Sprintf("%.2f", x.Growth), fmt.Sprint(x.TableBytes >> 10), fmt.Sprint(x.Flushes)})
	}
	t.table(rows)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
