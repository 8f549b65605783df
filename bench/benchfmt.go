package bench

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriteBenchfmt writes every sample as a line of Go's benchmark format, which benchstat
// reads: BenchmarkKernel/kernel=NAME/run=COLUMN and the like, one line for each run.
func (r *Report) WriteBenchfmt(w io.Writer) error {
	b := bufio.NewWriter(w)
	m := r.Machine
	for _, kv := range [][2]string{{"goos", m.OS}, {"goarch", m.Arch}, {"pkg", "cabitrans/bench"}, {"cpu", m.CPU},
		{"kernel", m.Kernel}, {"go", m.Go}, {"load", m.LoadBefore}} {
		if kv[1] != "" {
			fmt.Fprintf(b, "%s: %s\n", kv[0], kv[1])
		}
	}
	line := func(name string, v Values, unit string) {
		for _, s := range v.Samples {
			fmt.Fprintf(b, "Benchmark%s 1 %.6g %s\n", name, s, unit)
		}
	}
	for _, k := range r.Kernels {
		for _, c := range r.Columns {
			v, ok := k.Columns[c.Name]
			if !ok {
				continue
			}
			name := fmt.Sprintf("Kernel/kernel=%s/run=%s", k.Name, c.Name)
			line(name, v.NS, "ns/op")
			if v.Ratio != nil {
				line(name, *v.Ratio, "ratio")
			}
		}
	}
	for _, s := range r.Switches {
		line("Switch/run="+s.Column, s.NS, "ns/op")
	}
	for _, s := range r.TLS {
		line("TLS/run="+s.Column, s.NS, "ns/op")
	}
	for _, t := range r.Translation {
		line(fmt.Sprintf("Translation/program=%s/run=%s", t.Program, t.Column), t.NS, "ns/op")
	}
	if s := r.Start; s != nil {
		line("Start/run=empty", s.EmptyNS, "ns/op")
		for _, c := range r.Columns {
			if h, ok := s.Hello[c.Name]; ok {
				line("Start/run="+c.Name, h.NS, "ns/op")
				line("Start/run="+c.Name, h.KiB, "KiB")
			}
		}
	}
	for _, t := range r.Threads {
		line(fmt.Sprintf("Threads/threads=%d/run=%s", t.Threads, t.Column), t.NS, "ns/op")
	}
	for _, t := range r.Text {
		name := fmt.Sprintf("Text/bytes=%d/run=%s", t.Text, t.Column)
		line(name, t.FirstNS, "first-ns/function")
		line(name, t.LookupNS, "lookup-ns/function")
	}
	for _, t := range r.Tools {
		for _, k := range slices.Sorted(maps.Keys(t.Kernels)) {
			name := fmt.Sprintf("Tool/kernel=%s/run=%s", k, toolName(t.Tool))
			line(name, t.Kernels[k].NS, "ns/op")
			line(name, t.Kernels[k].WholeNS, "whole-ns/op")
		}
	}
	return b.Flush()
}
