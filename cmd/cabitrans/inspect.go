package main

import (
	"errors"
	"flag"
	"io"
	"os"

	"cabitrans/inspect"
	"cabitrans/runtime"
)

// Exit statuses of inspect, besides exitLaunch when there is nothing to inspect.
const (
	exitRuns    = 0
	exitRefused = 1
)

// inspect is the command cabitrans inspect.
func (c *command) inspect(args []string) int {
	fs := flag.NewFlagSet("cabitrans inspect", flag.ContinueOnError)
	asJSON, all := fs.Bool("json", false, ""), fs.Bool("v", false, "")
	args, status := c.studyFlags(fs, args)
	switch {
	case status >= 0:
		return status
	case len(args) != 1:
		return c.fail("inspect needs the path of one program; cabitrans help shows how")
	}
	exe, size, err := openStudied(args[0])
	if err != nil {
		return c.fail("cannot inspect %s: %v", args[0], err)
	}
	defer exe.Close()
	report, err := inspected(args[0], exe, size, *all)
	if err != nil {
		return c.fail("cannot inspect %s: %v", args[0], err)
	}
	write := report.WriteText
	if *asJSON {
		write = report.WriteJSON
	}
	if err := write(c.stdout); err != nil {
		return c.fail("cannot write the report: %v", reason(err))
	}
	if !report.Runs {
		return exitRefused
	}
	return exitRuns
}

// inspected makes the report, with what this host says to the program.
func inspected(path string, exe *os.File, size int64, all bool) (*inspect.Report, error) {
	p, err := inspect.Open(path, exe, size)
	if err != nil {
		return inspect.Refused(path, size, err), nil
	}
	why := prepare()
	if why == nil {
		why = runtime.Check(exe, size)
	}
	if why == nil {
		why = runnable(path)
	}
	report, err := p.Report(all)
	if err != nil {
		return nil, err
	}
	if why != nil {
		report.Runs, report.Why = false, why.Error()
	}
	return report, nil
}

// studyFlags parses flags that may also stand behind the other arguments, which it
// returns. The status is that of a command that ends here, or negative.
func (c *command) studyFlags(fs *flag.FlagSet, args []string) (rest []string, status int) {
	fs.SetOutput(io.Discard)
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return nil, c.help()
		}
		if err != nil {
			return nil, c.fail("%v; cabitrans help lists the flags", err)
		}
		left := fs.Args()
		if len(left) == 0 {
			return rest, -1
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), -1
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// openStudied opens a program that need not be runnable.
func openStudied(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, reason(err)
	case info.IsDir():
		return nil, 0, errDirectory
	case !info.Mode().IsRegular():
		return nil, 0, errIrregular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, reason(err)
	}
	return f, info.Size(), nil
}
