package main

import (
	"os"

	"cabitrans/inspect"
	"cabitrans/runtime"
)

// Exit statuses of inspect, besides exitLaunch when there is nothing to inspect.
const (
	exitRuns    = 0
	exitRefused = 1
)

// inspectFlags is the command line of inspect.
type inspectFlags struct{ json, all bool }

func (f *inspectFlags) options() []option {
	return []option{
		toggle("json", &f.json, "write one JSON object instead of text"),
		toggle("v", &f.all, "list every place, not only the first few"),
	}
}

// inspect is the command cabitrans inspect.
func (c *command) inspect(args []string) int {
	var f inspectFlags
	args, status := c.options("inspect", f.options(), args)
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
	report, err := inspected(args[0], exe, size, f.all)
	if err != nil {
		return c.fail("cannot inspect %s: %v", args[0], err)
	}
	write := report.WriteText
	if f.json {
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
