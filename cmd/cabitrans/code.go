package main

import (
	"errors"
	"fmt"
	"os"

	"cabitrans/runtime"
)

// codeFlags are those of run that write translations down, named as qemu has them.
type codeFlags struct {
	items  runtime.CodeLogItems
	filter runtime.CodeLogFilter
	output string // empty for standard error
}

func (f *codeFlags) options() []option {
	return []option{
		{name: "d", value: "ITEMS", set: f.setItems,
			help: "write down what is translated: in_asm (the program's instructions), out_asm (what becomes of them), " +
				"blocks (basic blocks, and why they end), links (branches linked and dropped, look-ups that missed), " +
				"separated by commas; to standard error"},
		fileOption("D", &f.output, "file for translations", "write translations to FILE; forked processes to FILE.PID"),
		{name: "dfilter", value: "RANGES", set: f.setFilter,
			help: "of translations write those in RANGES, separated by commas: START..END, START+SIZE, or the name of a " +
				"function; addresses are those in memory"},
	}
}

var errGivenBefore = errors.New("it was given before; values are separated by commas")

func (f *codeFlags) setItems(s string) (err error) {
	if f.items != 0 {
		return errGivenBefore
	}
	f.items, err = runtime.ParseCodeLogItems(s)
	return err
}

func (f *codeFlags) setFilter(s string) (err error) {
	if f.filter != nil {
		return errGivenBefore
	}
	f.filter, err = runtime.ParseCodeLogFilter(s)
	return err
}

// check refuses flags that mean nothing without -d.
func (f *codeFlags) check() error {
	switch {
	case f.items != 0:
	case f.output != "":
		return errors.New("-D is for -d, which was not given")
	case f.filter != nil:
		return errors.New("--dfilter is for -d, which was not given")
	}
	return nil
}

// open opens the file that translations are written to.
func (f *codeFlags) open(c *runtime.Config) error {
	if f.items == 0 {
		return nil
	}
	l := &runtime.CodeLog{To: os.Stderr, Items: f.items, Filter: f.filter, Forked: f.output}
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return fmt.Errorf("cannot write translations to %s: %w", f.output, reason(err))
		}
		l.To = file
	}
	c.CodeLog = l
	return nil
}
