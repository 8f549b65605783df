package main

import (
	"errors"
	"fmt"
	"os"

	"cabitrans/runtime"
)

// traceFlags are those of run that write system calls down, named as strace has
// them.
type traceFlags struct {
	on      bool
	written runtime.TraceOptions
	output  string // empty for standard error
}

func (f *traceFlags) options() []option {
	return []option{
		{name: "strace", value: "[=LIST]", set: f.setFilter,
			help: "write system calls to standard error, as strace does: those in LIST, names of calls and of groups (all, " +
				`desc, file, memory, network, process, thread, time); all but those after a "!"`},
		fileOption("o", &f.output, "file for system calls", "write system calls to FILE"),
		toggle("c", &f.written.Summary, "write how many calls there were and how long they took, at the end, instead of "+
			"the calls"),
		toggle("t", &f.written.Times, "begin each line with the time of day"),
	}
}

func (f *traceFlags) setFilter(filter string) (err error) {
	if f.on {
		return errors.New("it was given before; names are separated by commas")
	}
	f.on = true
	if filter != "true" { // it was left out
		f.written.Filter, err = runtime.ParseTraceFilter(filter)
	}
	return err
}

// check refuses flags that mean nothing without --strace.
func (f *traceFlags) check() error {
	if f.on {
		return nil
	}
	for _, x := range []struct {
		name string
		on   bool
	}{{"-o", f.output != ""}, {"-c", f.written.Summary}, {"-t", f.written.Times}} {
		if x.on {
			return fmt.Errorf("%s is for --strace, which was not given", x.name)
		}
	}
	return nil
}

// open opens the file that calls are written to; nil when they are not written.
func (f *traceFlags) open() (*runtime.Trace, error) {
	if !f.on {
		return nil, nil
	}
	t := &runtime.Trace{TraceOptions: f.written, To: os.Stderr}
	if f.output != "" {
		file, err := os.OpenFile(f.output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o666)
		if err != nil {
			return nil, fmt.Errorf("cannot write system calls to %s: %w", f.output, reason(err))
		}
		t.To = file
	}
	return t, nil
}
