package bench

import (
	"context"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"slices"
)

// Options say what is measured, and how.
type Options struct {
	Runs     int      // of everything, interleaved
	Repeats  int      // calls of a kernel in a run, of which the best counts; 0: DefaultRepeats or ShortRepeats
	Kernels  []string // empty: all
	Measures []string // empty: all of Measures
	Columns  []string // empty: all that this host has
	Short    bool     // less of everything that takes long
	Pin      int      // a processor, or NoPin
	Peers    []Peer
	Others   []Other
	Without  []string // optimisations, for a column without each

	// Self is the command by which this program calls Child.
	Self []string
	// Progress gets what is being done, often; nil for nobody.
	Progress func(what string)
}

// What an Options says when nothing is asked for.
const (
	DefaultRuns    = 5
	DefaultRepeats = 20
	ShortRepeats   = 8
	NoPin          = -1
)

// Measures are the parts of a report.
var Measures = []string{"kernels", "translation", "start", "threads", "text", "tools"}

// A runner makes a report.
type runner struct {
	Options
	report  Report
	columns []Column
	builds  *linuxBuilds
	all     bool // kernels, because none was named
}

// Run measures. It needs all of the machine for itself to be exact; ratios are those
// of runs that are close in time.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &runner{Options: o}
	if r.Repeats == 0 {
		r.Repeats = DefaultRepeats
		if r.Short {
			r.Repeats = ShortRepeats
		}
	}
	if r.all = len(r.Kernels) == 0; r.all {
		r.Kernels = KernelNames()
	}
	if len(r.Measures) == 0 {
		r.Measures = Measures
	}
	if r.Progress == nil {
		r.Progress = func(string) {}
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	defer r.builds.remove()
	// The collector would run at one column's expense; it runs between samples.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"kernels", r.kernels}, {"translation", r.translation}, {"start", r.start},
		{"threads", r.threads}, {"text", r.text}, {"tools", r.tools},
	} {
		if !slices.Contains(r.Measures, part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return nil, err
		}
	}
	r.report.Machine.LoadAfter = loadAverage()
	return &r.report, nil
}

// prepare finds out what there is, and refuses what there is not.
func (r *runner) prepare(ctx context.Context) error {
	for _, name := range r.Kernels {
		if _, ok := kernelNamed(name); !ok {
			return fmt.Errorf("there is no kernel %q", name)
		}
	}
	if r.Pin != NoPin {
		if err := pin(r.Pin); err != nil {
			return err
		}
	}
	r.report = Report{Schema: Schema, Machine: describe(), Settings: Settings{
		Runs: r.Runs, Repeats: r.Repeats, Kernels: r.Kernels, Measures: r.Measures, Clock: ClockWall}}
	if directly { // elsewhere the clock of a thread's own time ticks rarely
		r.report.Settings.Clock = ClockCPU
	}
	if r.Pin != NoPin {
		r.report.Settings.Pin = &r.Pin
	}
	r.columns, r.report.Missing = columns()
	without := withoutColumns(r.columns, r.Without)
	if err := r.choose(); err != nil {
		return err
	}
	r.columns = append(r.columns, without...)
	if len(r.Peers) > 0 {
		var err error
		if r.builds, err = newLinuxBuilds(); err != nil {
			return err
		}
		r.columns = append(r.columns, peerColumns(r.Peers, r.builds)...)
	}
	for _, o := range r.Others {
		cs, err := o.columns(ctx)
		if err != nil {
			return err
		}
		r.columns = append(r.columns, cs...)
	}
	if len(r.columns) == 0 {
		return fmt.Errorf("nothing can be measured on this host: %v", r.report.Missing)
	}
	r.report.Columns = r.columns
	if r.columns[0].Kind == KindDirect || len(r.columns) > 1 {
		r.report.Baseline = r.columns[0].Name
	}
	for _, c := range headline(r.columns) {
		r.report.Headline = append(r.report.Headline, c.Name)
	}
	if r.report.Missing == nil {
		r.report.Missing = []string{}
	}
	return nil
}

// choose leaves the columns that were asked for, and the baseline.
func (r *runner) choose() error {
	if len(r.Columns) == 0 {
		return nil
	}
	for _, name := range r.Columns {
		if !slices.ContainsFunc(r.columns, func(c Column) bool { return c.Name == name }) {
			var names []string
			for _, c := range r.columns {
				names = append(names, c.Name)
			}
			return fmt.Errorf("there is no column %q on this host, only %q", name, names)
		}
	}
	all := r.columns
	r.columns = nil
	for i, c := range all {
		if i == 0 && c.Kind == KindDirect || slices.Contains(r.Columns, c.Name) {
			r.columns = append(r.columns, c)
		}
	}
	return nil
}

// interleave calls sample for every column and run, in the other direction every
// second run, so that a machine that slows down does so to all alike.
func (r *runner) interleave(ctx context.Context, what string, cs []Column, sample func(c *Column, run int) error) error {
	return r.interleaveRuns(ctx, r.Runs, what, cs, sample)
}

func (r *runner) interleaveRuns(
	ctx context.Context, runs int, what string, cs []Column, sample func(c *Column, run int) error,
) error {
	for run := range runs {
		for i := range cs {
			c := &cs[i]
			if run%2 == 1 {
				c = &cs[len(cs)-1-i]
			}
			if err := context.Cause(ctx); err != nil {
				return err
			}
			r.Progress(fmt.Sprintf("%s, run %d of %d, %s", what, run+1, runs, c.Name))
			goruntime.GC()
			if err := sample(c, run); err != nil {
				return fmt.Errorf("%s, %s: %w", what, c.Name, err)
			}
		}
	}
	return nil
}

// translatedColumns are the default strategy of each tier.
func (r *runner) translatedColumns() (cs []Column) {
	for _, c := range headline(r.columns) {
		if c.Kind == KindTranslated {
			cs = append(cs, c)
		}
	}
	return cs
}
