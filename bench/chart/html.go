package chart

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"

	"cabitrans/bench"
)

// style is all that the page looks like.
const style = `body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1000px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}svg{width:100%;height:auto;border:1px solid #eee}
table{border-collapse:collapse;font-size:13px}th,td{padding:.2em .7em;text-align:right;border-bottom:1px solid #eee}
th:first-child,td:first-child{text-align:left}.o{color:#D55E00}.w{overflow-x:auto}pre{font-size:12px;overflow-x:auto}
.big{font-size:1.3em}`

// WriteHTML writes the report as one page, which refers to nothing outside of itself.
func WriteHTML(w io.Writer, r *bench.Report) error {
	charts, err := Charts(r)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>cabitrans bench</title>\n"+
		"<style>%s</style></head><body>\n<h1>What translation costs</h1>\n", style)
	writeHead(b, r)
	for _, c := range charts {
		fmt.Fprintf(b, "<h2>%s</h2>\n<p>%s</p>\n%s", esc(c.Title), esc(c.About), c.SVG)
	}
	writeKernels(b, r)
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		return err
	}
	fmt.Fprintf(b, "<h2>All tables</h2>\n<pre>%s</pre>\n</body></html>\n", esc(text.String()))
	return b.Flush()
}

func esc(s string) string { return html.EscapeString(s) }

// writeHead says what was measured, on what, and what came of it in a few numbers.
func writeHead(b *bufio.Writer, r *bench.Report) {
	m := r.Machine
	fmt.Fprintf(b, "<p>%s, %d processors, %s/%s %s, %s. Load average %s before, %s after.<br>\nMedians of %d interleaved "+
		"runs, in each of which the best of %d calls counts.</p>\n", esc(m.CPU), m.Processors, esc(m.OS), esc(m.Arch),
		esc(m.Kernel), esc(m.Go), esc(m.LoadBefore), esc(m.LoadAfter), r.Settings.Runs, r.Settings.Repeats)
	for _, c := range others(r) {
		if mean, ok := r.Means[c]; ok {
			fmt.Fprintf(b, "<p class=\"big\"><b>%s</b>: %.3f times as long as %s, the geometric mean of %d kernels; at worst %.2f "+
				"(%s).</p>\n", esc(c), mean.Median, esc(r.Baseline), mean.Kernels, mean.Worst, esc(mean.WorstKernel))
		}
	}
	if len(r.Missing) > 0 {
		fmt.Fprint(b, "<p>Missing:</p><ul>\n")
		for _, why := range r.Missing {
			fmt.Fprintf(b, "<li>%s</li>\n", esc(why))
		}
		fmt.Fprint(b, "</ul>\n")
	}
	fmt.Fprint(b, "<p>Ways to run:</p><ul>\n")
	for _, c := range r.Columns {
		fmt.Fprintf(b, "<li><b>%s</b>: %s</li>\n", esc(c.Name), esc(c.About))
	}
	fmt.Fprint(b, "</ul>\n")
}

// writeKernels has every sample: as what a cell says when pointed at.
func writeKernels(b *bufio.Writer, r *bench.Report) {
	if len(r.Kernels) == 0 {
		return
	}
	fmt.Fprint(b, "<h2>Kernels in all columns</h2>\n<p>The ratio's median and, smaller, the least and the largest of the "+
		"runs. Point at a number to see all; those with outliers have another colour.</p>\n<div class=\"w\"><table><tr><th>kernel</th>")
	for _, c := range r.Columns {
		fmt.Fprintf(b, "<th>%s</th>", esc(c.Name))
	}
	fmt.Fprint(b, "</tr>\n")
	for _, k := range r.Kernels {
		fmt.Fprintf(b, "<tr><td>%s</td>", esc(k.Name))
		for _, c := range r.Columns {
			writeCell(b, k.Columns[c.Name])
		}
		fmt.Fprint(b, "</tr>\n")
	}
	fmt.Fprint(b, "</table></div>\n")
}

func writeCell(b *bufio.Writer, v bench.KernelValues) {
	switch {
	case len(v.NS.Samples) == 0:
		fmt.Fprint(b, "<td>-</td>")
	case v.Ratio == nil:
		fmt.Fprintf(b, "<td title=\"%s ns\">%.2f ms</td>", all(v.NS), v.NS.Median/1e6)
	default:
		class := ""
		if len(v.Ratio.Outliers) > 0 {
			class = " class=\"o\""
		}
		fmt.Fprintf(b, "<td%s title=\"%s\">%.3f <small>%.3f to %.3f</small></td>", class, all(*v.Ratio),
			v.Ratio.Median, v.Ratio.Min, v.Ratio.Max)
	}
}

// all lists samples.
func all(v bench.Values) string {
	var s []string
	for _, x := range v.Samples {
		s = append(s, fmt.Sprintf("%.4g", x))
	}
	return strings.Join(s, " ")
}
