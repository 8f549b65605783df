package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	run        bench.Options
	json, text string // files; "-" is standard output, empty for none
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
		{name: "peer", value: "'NAME=COMMAND'", set: f.addPeer,
			help: "also run the Linux builds of the kernels by that command, such as qemu=qemu-x86_64 or " +
				"'none=valgrind --tool=none', and as they are; may be given more than once"},
		fileOption("json", &f.json, "file of that form", "write all samples and what they come to to FILE; bench/README.md in "+
			"the sources tells the keys. A FILE of - is standard output, which then has no tables"),
		fileOption("benchstat", &f.text, "file of that form", "write all samples to FILE as benchstat reads them"),
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
	progress.clear()
	if err != nil {
		return c.fail("%v", err)
	}
	if err := outputs.write(report); err != nil {
		return c.fail("%v", err)
	}
	return 0
}

// An output is a form of the report, and where it goes.
type output struct {
	name  string
	to    io.Writer
	file  *os.File // nil for standard output
	write func(io.Writer, *bench.Report) error
}

type outputs []output

// openOutputs creates the files before anything is measured.
func (c *command) openOutputs(f *benchFlags) (outs outputs, err error) {
	plain := true
	for _, o := range []struct {
		path  string
		write func(io.Writer, *bench.Report) error
	}{
		{f.json, func(w io.Writer, r *bench.Report) error { return r.WriteJSON(w) }},
		{f.text, func(w io.Writer, r *bench.Report) error { return r.WriteBenchfmt(w) }},
	} {
		if o.path == "" {
			continue
		}
		out, err := c.openOutput(o.path)
		if err != nil {
			outs.close()
			return nil, err
		}
		plain = plain && out.file != nil
		out.write = o.write
		outs = append(outs, out)
	}
	if plain {
		outs = append(outs, output{name: "standard output", to: c.stdout,
			write: func(w io.Writer, r *bench.Report) error { return r.WriteText(w) }})
	}
	return outs, nil
}

func (c *command) openOutput(path string) (output, error) {
	if path == "-" {
		return output{name: "standard output", to: c.stdout}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return output{}, fmt.Errorf("cannot write to %s: %w", path, reason(err))
	}
	return output{name: path, to: f, file: f}, nil
}

func (outs outputs) write(r *bench.Report) error {
	for _, o := range outs {
		err := o.write(o.to, r)
		if err == nil && o.file != nil {
			err = o.file.Close()
		}
		if err != nil {
			return fmt.Errorf("cannot write to %s: %w", o.name, reason(err))
		}
	}
	return nil
}

func (outs outputs) close() {
	for _, o := range outs {
		if o.file != nil {
			o.file.Close()
		}
	}
}

// A progress is one line on a terminal that says what is being done.
type progress struct{ to io.Writer }

// newProgress shows nothing unless w is a terminal.
func newProgress(w io.Writer) progress {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return progress{w}
		}
	}
	return progress{}
}

// eraseLine is the terminal's control sequence.
const eraseLine = "\r\x1b[K"

func (p progress) show(what string) {
	if p.to != nil {
		fmt.Fprint(p.to, eraseLine+what)
	}
}

func (p progress) clear() { p.show("") }
