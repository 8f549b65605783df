package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"cabitrans/runtime"
)

// traceFlags are those of run that write system calls down, named as strace has
// them.
type traceFlags struct {
	on      bool
	options runtime.TraceOptions
	output  string // empty for standard error
}

func (f *traceFlags) define(fs *flag.FlagSet) {
	fs.BoolFunc("strace", "", func(filter string) (err error) {
		if f.on {
			return errors.New("it was given before; names are separated by commas")
		}
		f.on = true
		if filter != "true" { // what the flag package says without a filter
			f.options.Filter, err = runtime.ParseTraceFilter(filter)
		}
		return err
	})
	fileFlag(fs, "o", &f.output, "file for system calls")
	fs.BoolVar(&f.options.Summary, "c", false, "")
	fs.BoolVar(&f.options.Times, "t", false, "")
}

// check refuses flags that mean nothing without --strace.
func (f *traceFlags) check() error {
	if f.on {
		return nil
	}
	for _, x := range []struct {
		name string
		on   bool
	}{{"-o", f.output != ""}, {"-c", f.options.Summary}, {"-t", f.options.Times}} {
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
	t := &runtime.Trace{TraceOptions: f.options, To: os.Stderr}
	if f.output != "" {
		file, err := os.OpenFile(f.output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o666)
		if err != nil {
			return nil, fmt.Errorf("cannot write system calls to %s: %w", f.output, reason(err))
		}
		t.To = file
	}
	return t, nil
}
