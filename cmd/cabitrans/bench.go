package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"cabitrans/bench"
	"cabitrans/runtime"
)

// benchFlags is the command line of bench.
type benchFlags struct {
	run bench.Options
	// Files; "-" is standard output, empty for none.
	json, text, html string
	svg              string // a directory
	bounds           string // a file
}

// options are the flags of bench.
func (f *benchFlags) options() []option {
	o := &f.run
	return []option{
		number("runs", &o.Runs, 1, 1000, "how often everything is run; without it 5"),
		number("repeats", &o.Repeats, 1, 1000, "calls of a kernel in each run, of which the best counts; without it 20"),
		list("kernel", &o.Kernels, bench.KernelNames(), "only these kernels, of "),
		{name: "column", value: "LIST", help: "only these ways to run, such as cache/gs, and the baseline",
			set: func(s string) error { o.Columns = append(o.Columns, strings.Split(s, ",")...); return nil }},
		list("measure", &o.Measures, bench.Measures, "only these parts, of "),
		toggle("short", &o.Short, "fewer calls of kernels and no large programs: less exact"),
		number("pin", &o.Pin, 0, 4095, "stay on that processor, counted from 0; nothing is then measured of threads"),
		list("without", &o.Without, runtime.Optimisations(), "also run the code cache with an optimisation left out, once for "+
			"each that is named, of "),
		{name: "peer", value: "'NAME=COMMAND'", set: f.addPeer,
			help: "also run the Linux builds of the kernels by that command, such as qemu=qemu-x86_64 or " +
				"'none=valgrind --tool=none', and as they are; may be given more than once"},
		{name: "other", value: "'NAME=COMMAND'", set: f.addOther,
			help: "also run the kernels by another build of cabitrans, or by that of another system, such as " +
				"'wine=wine cabitrans.exe', in every way that it has; may be given more than once"},
		fileOption("json", &f.json, "file of that form", "write all samples and what they come to to FILE; bench/README.md in "+
			"the sources tells the keys. A FILE of - is standard output, which then has no tables"),
		fileOption("benchstat", &f.text, "file of that form", "write all samples to FILE as benchstat reads them"),
		fileOption("html", &f.html, "file of that form", "write a page with charts, which needs no other file, to FILE"),
		{name: "svg", value: "DIR", help: "write the charts to files in the directory DIR, which is made if it is missing",
			set: func(dir string) error { f.svg = dir; return nil }},
		fileOption("bounds", &f.bounds, "file of that form", "fail if a geometric mean is above its bound in FILE, a JSON object of "+
			"numbers by column; what is above is measured once more. Without --column those columns are measured"),
	}
}

func (f *benchFlags) addPeer(s string) error {
	p, err := bench.ParsePeer(s)
	if err == nil && slices.ContainsFunc(f.run.Peers, func(q bench.Peer) bool { return q.Name == p.Name }) {
		err = errors.New("there is another peer of that name")
	}
	f.run.Peers = append(f.run.Peers, p)
	return err
}

func (f *benchFlags) addOther(s string) error {
	o, err := bench.ParseOther(s)
	if err == nil && slices.ContainsFunc(f.run.Others, func(q bench.Other) bool { return q.Name == o.Name }) {
		err = errors.New("there is another one of that name")
	}
	f.run.Others = append(f.run.Others, o)
	return err
}

// number is a flag for a number from lo to hi.
func number(name string, to *int, lo, hi int, help string) option {
	return option{name: name, value: "N", help: help, set: func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("it is a number from %d to %d", lo, hi)
		}
		*to = n
		return nil
	}}
}

// list is a flag for names that are separated by commas, and that may be given more
// than once.
func list(name string, to *[]string, known []string, help string) option {
	all := strings.Join(known, ", ")
	return option{name: name, value: "LIST", words: known, help: help + all, set: func(s string) error {
		for _, word := range strings.Split(s, ",") {
			if !slices.Contains(known, word) {
				return fmt.Errorf("there is no %s %q, only %s", name, word, all)
			}
			if !slices.Contains(*to, word) {
				*to = append(*to, word)
			}
		}
		return nil
	}}
}

const benchLong = `It runs programs that are built into cabitrans: directly, not translated, in this same ` +
	`process, with %fs exchanged at every system call; and translated, in every way that this host has. All take turns, ` +
	`and times are compared within one run. Without flags everything is measured, in some minutes, and written as tables.`

// bench is the command cabitrans bench.
func (c *command) bench(args []string) int {
	f := &benchFlags{run: bench.Options{Runs: bench.DefaultRuns, Pin: bench.NoPin}}
	rest, status := c.options("bench", f.options(), args)
	switch {
	case status >= 0:
		return status
	case len(rest) > 0:
		return c.fail("unexpected argument %q: bench takes flags only; cabitrans help bench lists them", rest[0])
	}
	// Any other error is why translated columns are missing: the report says so.
	if err := prepare(); errors.Is(err, runtime.ErrAddressSpace) {
		return c.fail("%v", err)
	}
	outputs, err := c.openOutputs(f)
	if err != nil {
		return c.fail("%v", err)
	}
	defer outputs.close()
	if err := makeDir(f.svg); err != nil {
		return c.fail("%v", err)
	}
	bounds, err := readBounds(f.bounds)
	if err != nil {
		return c.fail("%v", err)
	}
	if len(f.run.Columns) == 0 {
		f.run.Columns = slices.Sorted(maps.Keys(bounds))
	}
	self, err := os.Executable()
	if err != nil {
		return c.fail("cannot find this program to start it anew: %v", err)
	}
	f.run.Self = []string{self, bench.ChildCommand}
	progress := newProgress(c.stderr)
	f.run.Progress = progress.show
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := bench.Run(ctx, f.run)
	var exceeded []string
	if err == nil && bounds != nil {
		exceeded, err = checkBounds(ctx, bounds, report, f.run)
	}
	progress.clear()
	if err != nil {
		return c.fail("%v", err)
	}
	err = outputs.write(report)
	if err == nil && f.svg != "" {
		err = writeCharts(f.svg, report)
	}
	if err != nil {
		return c.fail("%v", err)
	}
	for _, e := range exceeded {
		fmt.Fprintf(c.stderr, "cabitrans: %s\n", e)
	}
	return min(len(exceeded), 1)
}

// readBounds reads the file of bounds, if there is one.
func readBounds(path string) (bench.Bounds, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bounds in %s: %w", path, reason(err))
	}
	defer f.Close()
	b, err := bench.ReadBounds(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bounds in %s: %w", path, err)
	}
	return b, nil
}

// checkBounds says what is above its bound, also when measured again: a busy machine
// can be at fault once.
func checkBounds(ctx context.Context, b bench.Bounds, r *bench.Report, o bench.Options) ([]string, error) {
	exceeded, err := b.Exceeded(r)
	if err != nil || len(exceeded) == 0 {
		return nil, err
	}
	o.Measures = []string{"kernels"}
	again, err := bench.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	return b.Exceeded(r, again)
}
