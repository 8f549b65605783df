package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// statsFlag is --stats: a switch that may name a format.
type statsFlag string

func (f *statsFlag) String() string   { return string(*f) }
func (f *statsFlag) IsBoolFlag() bool { return true }
func (f *statsFlag) Set(s string) error {
	switch s {
	case "true", "text":
		*f = "text"
	case "false":
		*f = ""
	case "json":
		*f = "json"
	default:
		return errors.New("the format is text or json")
	}
	return nil
}

// run is the command cabitrans run.
func (c *command) run(args []string) int {
	fs := flag.NewFlagSet("cabitrans run", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // one sentence of ours instead
	config := fs.String("config", "", "")
	var stats statsFlag
	fs.Var(&stats, "stats", "")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(c.stdout, usage)
		return 0
	case err != nil:
		return c.fail("%v; cabitrans help lists the flags", err)
	case fs.NArg() == 0:
		return c.fail("run needs the path of a program; cabitrans help shows how")
	case fs.NArg() > 1:
		return c.fail("unexpected argument %q after the program: CloudABI programs take no command line, "+
			"their arguments are in the configuration", fs.Arg(1))
	}
	if err := prepare(); err != nil {
		return c.fail("%v", err)
	}
	in, name := c.stdin, "stdin"
	if *config != "" {
		f, err := openRegular(*config)
		if err != nil {
			return c.fail("cannot read the configuration: %v", err)
		}
		defer f.Close()
		in, name = f, *config
	}
	return c.start(fs.Arg(0), in, name, stats)
}

// cloudabiRun is the program cloudabi-run. Its flag -e asks for emulation, which
// is what happens anyway.
func (c *command) cloudabiRun(args []string) int {
	if len(args) > 0 && args[0] == "-e" {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	} else if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		return c.fail("cloudabi-run has no flag %s; the usage is cloudabi-run [-e] PROGRAM < CONFIGURATION", args[0])
	}
	if len(args) != 1 {
		return c.fail("the usage is cloudabi-run [-e] PROGRAM < CONFIGURATION")
	}
	if err := prepare(); err != nil {
		return c.fail("%v", err)
	}
	return c.start(args[0], c.stdin, "stdin", "")
}

// start runs the program at path with the configuration read from in.
func (c *command) start(path string, in io.Reader, name string, stats statsFlag) int {
	exe, err := openProgram(path)
	if err != nil {
		return c.fail("cannot run %s: %v", path, err)
	}
	defer exe.Close()
	conf, err := argdata.ParseYAML(in, name)
	if err != nil {
		return c.fail("%v", err)
	}
	args, err := argdata.Encode(conf.Value)
	if err != nil {
		return c.fail("%s: %v", name, err)
	}
	g, err := openGrants(conf.Grants, exe)
	if err != nil {
		return c.fail("%v", err)
	}
	defer g.close()
	info, err := exe.Stat()
	if err != nil {
		return c.fail("cannot run %s: %v", path, err)
	}
	p, err := runtime.Start(context.Background(), runtime.Config{
		Executable: exe, Size: info.Size(), Name: path, ArgData: args, FDs: g.fds,
	})
	if err != nil {
		return c.fail("%v", err)
	}
	return c.finish(p, stats)
}

// finish waits for the program and reports what there is to report.
func (c *command) finish(p *runtime.Process, stats statsFlag) int {
	exit := p.Wait()
	switch {
	case exit.Fault != nil:
		fmt.Fprint(c.stderr, exit.Fault.Report())
	case exit.Signal != 0:
		fmt.Fprintf(c.stderr, "cabitrans: the program was ended by %v\n", exit.Signal)
	}
	var err error
	switch stats {
	case "text":
		err = p.Stats().WriteText(c.stderr)
	case "json":
		err = p.Stats().WriteJSON(c.stderr)
	}
	if err != nil {
		// Standard error is gone: there is nowhere to say so but the status.
		return max(exit.Status(), 1)
	}
	return exit.Status()
}

// openProgram opens an executable that the user may run.
func openProgram(path string) (*os.File, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && runtime.ExecutableBits && info.Mode()&0o111 == 0 {
		err = errors.New("it is not marked as executable; chmod +x allows it to run")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openRegular opens a regular file for reading. It does not wait for the other
// end of a pipe, and says plainly that a directory is one.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", path)
	case !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0:
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Mode()&os.ModeNamedPipe != 0:
		return nil, fmt.Errorf("%s is a pipe, not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	return f, nil
}
