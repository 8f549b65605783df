package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A ToolResult is what a tool costs that watches a program: the flags of cabitrans run that
// ask for it, and each kernel's times with it. What it writes goes nowhere.
type ToolResult struct {
	Tool    string              `json:"tool"`
	Tier    string              `json:"tier"` // in which the program runs then
	Kernels map[string]ToolCost `json:"kernels"`
}

// ToolCost is that of a kernel. Ratios are to the same run without a tool: of the calls of
// the kernel, and of everything from the start of the program to its end, in which the
// tool begins and ends and all is translated.
type ToolCost struct {
	NS         Values  `json:"ns"`
	Ratio      Values  `json:"ratio"`
	BestRatio  float64 `json:"best_ratio"` // of the least times
	WholeNS    Values  `json:"whole_ns"`
	WholeRatio Values  `json:"whole_ratio"`
	WholeBest  float64 `json:"whole_best_ratio"`
}

// toolKernels are those that tools are measured on, unless others are asked for: one that
// computes, calls and returns, indirect branches, system calls, and code that runs once.
var toolKernels = []string{"sha256", "fib", "virtual", switchKernel, coldKernel}

// mostToolRepeats bounds the calls of a kernel in a sample: with some tools each takes long.
const mostToolRepeats = 8

// toolSamples are what has been measured of one tool.
type toolSamples struct {
	tool      *tool
	tier      string
	ns, whole map[string][]float64 // by kernel
}

// tools measures every tool on some kernels, in turns.
func (r *runner) tools(ctx context.Context) error {
	if !slices.ContainsFunc(r.columns, func(c Column) bool { return c.Kind == KindTranslated }) {
		return nil
	}
	all := make([]toolSamples, len(tools))
	cs := make([]Column, len(tools))
	for i := range tools {
		all[i] = toolSamples{tool: &tools[i], ns: make(map[string][]float64), whole: make(map[string][]float64)}
		cs[i] = Column{Name: tools[i].name}
	}
	for _, name := range r.toolKernels() {
		k, _ := kernelNamed(name)
		s := Setup{N: k.N, Repeats: min(r.Repeats, mostToolRepeats)}
		if name == coldKernel {
			s.Repeats = 1
		}
		err := r.interleave(ctx, "tools, "+name, cs, func(c *Column, _ int) error {
			i := slices.IndexFunc(tools, func(t tool) bool { return t.name == c.Name })
			return r.toolSample(ctx, &all[i], name, s)
		})
		if err != nil {
			return err
		}
	}
	r.report.Tools = toolResults(all, r.toolKernels())
	return nil
}

func (r *runner) toolKernels() []string {
	if r.all {
		return toolKernels
	}
	return r.Kernels
}

// toolSample takes a sample, unless the host does not have the tool.
func (r *runner) toolSample(ctx context.Context, t *toolSamples, kernel string, s Setup) error {
	if t.tool == nil {
		return nil
	}
	p, err := Embedded(kernel)
	if err != nil {
		return err
	}
	m, err := Translated(ctx, p, s, Mode{tool: t.tool})
	if err != nil && t.tier == "" && t.tool.watch != nil && ctx.Err() == nil {
		r.report.Missing = append(r.report.Missing, fmt.Sprintf("the tool %s: %v", t.tool.name, err))
		t.tool = nil
		return nil
	}
	t.tier = m.Tier
	t.ns[kernel], t.whole[kernel] = append(t.ns[kernel], float64(m.Best)), append(t.whole[kernel], float64(m.Whole))
	return err
}

// toolResults compares all with the first, which is no tool.
func toolResults(all []toolSamples, kernels []string) (results []ToolResult) {
	for _, t := range all {
		if t.tool == nil {
			continue
		}
		res := ToolResult{Tool: t.tool.name, Tier: t.tier, Kernels: make(map[string]ToolCost)}
		for _, k := range kernels {
			ns, base, whole, wholeBase := t.ns[k], all[0].ns[k], t.whole[k], all[0].whole[k]
			res.Kernels[k] = ToolCost{
				NS: summarize(ns), Ratio: summarize(ratios(ns, base)), BestRatio: slices.Min(ns) / slices.Min(base),
				WholeNS: summarize(whole), WholeRatio: summarize(ratios(whole, wholeBase)),
				WholeBest: slices.Min(whole) / slices.Min(wholeBase),
			}
		}
		results = append(results, res)
	}
	return results
}

// tools writes what tools cost.
func (t *textWriter) tools(r *Report) {
	if len(r.Tools) == 0 {
		return
	}
	t.printf("\nTime of kernels with tools that watch them, divided by that without in the same run, and in parentheses of the least\n" +
		"times; at last the whole of a program that runs its code once:\n\n")
	var kernels []string
	for _, k := range KernelNames() {
		if _, ok := r.Tools[0].Kernels[k]; ok {
			kernels = append(kernels, k)
		}
	}
	head := append([]string{"tool", "tier"}, kernels...)
	_, once := r.Tools[0].Kernels[coldKernel]
	if once {
		head = append(head, coldKernel+", all")
	}
	rows := [][]string{head}
	for _, x := range r.Tools {
		row := []string{x.Tool, x.Tier}
		for _, k := range kernels {
			row = append(row, fmt.Sprintf("%.2f (%.2f)", x.Kernels[k].Ratio.Median, x.Kernels[k].BestRatio))
		}
		if once {
			c := x.Kernels[coldKernel]
			row = append(row, fmt.Sprintf("%.2f (%.2f)", c.WholeRatio.Median, c.WholeBest))
		}
		rows = append(rows, row)
	}
	t.table(rows)
}

// toolName is a tool's name as a word of Go's benchmark format.
func toolName(name string) string { return strings.ReplaceAll(name, " ", "_") }
