package bench

import (
	"encoding/json"
	"io"
)

// Schema is the version of the JSON form of Report. It changes when a key changes its
// meaning or goes away, not when one is added.
const Schema = 1

// A Report is everything that a run has measured. Its JSON form is stable. Where a
// map's key is a column, it is the column's name; parts that were not measured are
// absent. Times are in nanoseconds unless a name says otherwise.
type Report struct {
	Schema   int      `json:"schema"`
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`
	Columns  []Column `json:"columns"`
	Baseline string   `json:"baseline"` // the column that ratios are to: a direct one, or without one the first; empty if there is one column only
	Headline []string `json:"headline"` // columns for a first look
	Missing  []string `json:"missing"`  // what could not be measured, and why

	Kernels     []KernelResult  `json:"kernels,omitempty"`
	Means       map[string]Mean `json:"means,omitempty"` // of kernels without Apart
	Switches    []SwitchResult  `json:"switches,omitempty"`
	ClockNS     float64         `json:"clock_ns,omitempty"` // reading the host's clock: part of every switch measured
	TLS         []TLSResult     `json:"tls,omitempty"`
	BreakEven   []BreakEven     `json:"break_even,omitempty"`
	Translation []Translation   `json:"translation,omitempty"`
	Start       *StartResult    `json:"start,omitempty"`
	Threads     []ThreadsResult `json:"threads,omitempty"`
	Text        []TextResult    `json:"text,omitempty"`
	Tools       []ToolResult    `json:"tools,omitempty"`
}

// Settings are what was asked for.
type Settings struct {
	Runs     int      `json:"runs"`
	Repeats  int      `json:"repeats"` // calls of a kernel in a run; the best counts
	Kernels  []string `json:"kernels"`
	Measures []string `json:"measures"`
	// Clock is what times kernels that means are of: ClockCPU or ClockWall.
	Clock string `json:"clock"`
	Pin   *int   `json:"pin,omitempty"` // the processor that everything ran on
}

// The clocks: of a thread's time on a processor, and of the time that passes.
const (
	ClockCPU  = "cpu"
	ClockWall = "wall"
)

// A KernelResult is one kernel in every column.
type KernelResult struct {
	Name    string                  `json:"name"`
	N       uint64                  `json:"n"`      // the kernel's argument
	Result  string                  `json:"result"` // in hexadecimal: the same in all columns
	Apart   string                  `json:"apart,omitempty"`
	Columns map[string]KernelValues `json:"columns"`
}

// KernelValues are the times of a kernel in a column. Ratio has one for each run, to
// the baseline of the same run; BestRatio is that of the two smallest times, which a
// busy machine disturbs least.
type KernelValues struct {
	NS        Values  `json:"ns"`
	Ratio     *Values `json:"ratio,omitempty"`
	BestRatio float64 `json:"best_ratio,omitempty"`
}

// A Mean is a geometric mean of kernels' ratios: of the medians, and of BestRatio.
type Mean struct {
	Median  float64 `json:"median"`
	Best    float64 `json:"best"`
	Kernels int     `json:"kernels"`
	// Worst is the largest of the medians, and whose it is.
	Worst       float64 `json:"worst"`
	WorstKernel string  `json:"worst_kernel"`
}

// A SwitchResult is the time of a system call that reads the clock.
type SwitchResult struct {
	Column string `json:"column"`
	NS     Values `json:"ns"`
}

// A TLSResult is the time of a round of tlsloop.
type TLSResult struct {
	Column   string  `json:"column"`
	Accesses int     `json:"accesses"` // in a round
	NS       Values  `json:"ns"`
	Ratio    *Values `json:"ratio,omitempty"`
}

// A BreakEven is what a column costs a program that makes switches: a second of
// computing takes Slowdown seconds, which is Mean.Best, and each switch SwitchNS, which
// is the least time measured.
type BreakEven struct {
	Column   string  `json:"column"`
	Slowdown float64 `json:"slowdown"`
	SwitchNS float64 `json:"switch_ns"`
	// WinsFrom has, for each direct column, the switches a second from which this
	// column takes less time; absent if it never does.
	WinsFrom map[string]float64 `json:"wins_from"`
}

// WriteJSON writes the report.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}
