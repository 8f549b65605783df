package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"cabitrans/runtime"
)

// coverFlags are those of run that tell which code was executed, and how often.
type coverFlags struct {
	output string // empty for no coverage
	format string // empty for that of the file's name
	kinds  runtime.CountKinds
	counts string // file; empty for standard error
}

// The forms of coverage.
const (
	formatDRCov = "drcov"
	formatLCOV  = "lcov"
)

func (f *coverFlags) options() []option {
	return []option{
		fileOption("coverage", &f.output, "coverage", "write which code was executed to FILE when the program has ended or is "+
			"interrupted, for Lighthouse or Ghidra; to FILE.PID in forked processes"),
		{name: "coverage-format", value: "FORMAT", set: f.setFormat, words: []string{formatDRCov, formatLCOV},
			help: "write coverage in the form of drcov, by basic blocks, or of lcov, by source lines; without it that of lcov " +
				"if FILE ends in .info"},
		{name: "count", value: "LIST", set: f.setKinds,
			help: "count what is executed, and write that to standard error: blocks, insns (instructions), indirect (where " +
				"indirect jumps and calls go), opcodes, separated by commas"},
		fileOption("count-output", &f.counts, "file for counts", "write all counts to FILE, not only the highest; to FILE.PID in forked processes"),
	}
}

func (f *coverFlags) setFormat(s string) error {
	switch {
	case s != formatDRCov && s != formatLCOV:
		return fmt.Errorf("there is no format %q, only %s and %s", s, formatDRCov, formatLCOV)
	case f.format != "" && f.format != s:
		return fmt.Errorf("--coverage-format=%s was given before", f.format)
	}
	f.format = s
	return nil
}

func (f *coverFlags) setKinds(s string) (err error) {
	if f.kinds != 0 {
		return errGivenBefore
	}
	f.kinds, err = runtime.ParseCountKinds(s)
	return err
}

// check refuses flags that mean nothing without others.
func (f *coverFlags) check() error {
	switch {
	case f.format != "" && f.output == "":
		return errors.New("--coverage-format is for --coverage, which was not given")
	case f.counts != "" && f.kinds == 0:
		return errors.New("--count-output is for --count, which was not given")
	}
	return nil
}

// open opens the files.
func (f *coverFlags) open(c *runtime.Config) error {
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return fmt.Errorf("cannot write coverage to %s: %w", f.output, reason(err))
		}
		lines := f.format == formatLCOV || f.format == "" && strings.HasSuffix(f.output, ".info")
		c.Coverage = &runtime.Coverage{To: file, Lines: lines, Forked: f.output}
	}
	if f.kinds == 0 {
		return nil
	}
	c.Counts = &runtime.Counts{To: os.Stderr, Kinds: f.kinds, Forked: f.counts}
	if f.counts != "" {
		file, err := os.Create(f.counts)
		if err != nil {
			return fmt.Errorf("cannot write counts to %s: %w", f.counts, reason(err))
		}
		c.Counts.To, c.Counts.All = file, true
	}
	return nil
}
