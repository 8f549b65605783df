package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// run is the command cabitrans run.
func (c *command) run(args []string) int {
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c.help([]string{"run"})
	case err != nil:
		return c.fail("%v; cabitrans help lists the flags", err)
	case len(f.args) == 0:
		return c.fail("run needs the path of a program; cabitrans help shows how")
	case len(f.args) > 1 && f.args[1] != "" && f.args[1][0] == '-':
		return c.fail("unexpected argument %q after the program: flags of run come before it", f.args[1])
	case len(f.args) > 1:
		return c.fail("unexpected argument %q after the program: CloudABI programs take no command line, "+
			"their arguments are in the configuration", f.args[1])
	}
	if err := prepare(); err != nil {
		return c.fail("%v", err)
	}
	in, name := c.stdin, "stdin"
	if f.config != "" && f.config != "-" {
		file, err := openConfig(f.config)
		if err != nil {
			return c.fail("cannot read the configuration %s: %v", f.config, err)
		}
		defer file.Close()
		in, name = file, f.config
	}
	watch, err := f.watch()
	if err != nil {
		return c.fail("%v", err)
	}
	return c.start(f.args[0], in, name, f, watch)
}

// cloudabiRun is the program cloudabi-run. Its flag -e asks for emulation, which
// is what happens anyway; --tls is an addition.
func (c *command) cloudabiRun(args []string) int {
	f := new(runFlags)
	for emulate := false; len(args) > 0; args = args[1:] {
		if tls, ok := strings.CutPrefix(args[0], "--tls="); ok {
			if err := setTLS(&f.tls, tls); err != nil {
				return c.fail("invalid value %q for flag -tls: %v", tls, err)
			}
		} else if args[0] == "-e" && !emulate {
			emulate = true
		} else {
			break
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	} else if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		return c.fail("cloudabi-run has no flag %s; the usage is cloudabi-run [-e] [--tls=NAME] PROGRAM < CONFIGURATION", args[0])
	}
	if len(args) != 1 {
		return c.fail("the usage is cloudabi-run [-e] [--tls=NAME] PROGRAM < CONFIGURATION")
	}
	if err := prepare(); err != nil {
		return c.fail("%v", err)
	}
	return c.start(args[0], c.stdin, "stdin", f, runtime.Config{})
}

// watch is a Config with what there is to be told of a program's run.
func (f *runFlags) watch() (c runtime.Config, err error) {
	if err = f.outputsDiffer(); err != nil {
		return c, err
	}
	if c.Trace, err = f.trace.open(); err == nil {
		err = f.time.open(&c)
	}
	if err == nil {
		c.Debug, err = f.gdb.open()
	}
	if err == nil {
		err = f.code.open(&c)
	}
	if err == nil {
		err = f.cover.open(&c)
	}
	return c, err
}

// outputsDiffer refuses a file that two tools would write to, each over what the other has written.
func (f *runFlags) outputsDiffer() error {
	outputs := [...]struct{ flag, path string }{
		{"-o", f.trace.output}, {"-D", f.code.output}, {"--profile", f.time.output},
		{"--coverage", f.cover.output}, {"--count-output", f.cover.counts},
	}
	for i, a := range outputs {
		for _, b := range outputs[:i] {
			if a.path == "" || b.path == "" || filepath.Clean(a.path) != filepath.Clean(b.path) {
				continue
			}
			if info, err := os.Stat(a.path); err == nil && !info.Mode().IsRegular() {
				continue // a terminal, say
			}
			return fmt.Errorf("%s and %s both name %s: give each a file of its own", b.flag, a.flag, a.path)
		}
	}
	return nil
}

// start runs the program at path with the configuration read from in; rc says what else
// is to become of the run.
func (c *command) start(path string, in io.Reader, name string, f *runFlags, rc runtime.Config) int {
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
	info, err := exe.Stat()
	if err != nil {
		g.close()
		return c.fail("cannot run %s: %v", path, err)
	}
	rc.Executable, rc.Size, rc.Name, rc.ArgData = exe, info.Size(), path, args
	rc.FDs, rc.Drop, rc.TLS, rc.Tier, rc.Strict, rc.Limits = g.fds, g.drop, f.tls, f.tier, f.strict, f.limits
	f.gdb.announce(c.stderr, rc.Debug)
	ctx, stop := interruptible()
	defer stop()
	p, err := runtime.Start(ctx, rc)
	// The program has duplicates. Ours must not outlive them: the other end of a
	// pipe waits until all are closed.
	g.close()
	if err != nil {
		return c.fail("%v", err)
	}
	return resume(ctx, c.finish(ctx, p, path, f))
}

// finish waits for the program and reports what there is to report.
func (c *command) finish(ctx context.Context, p *runtime.Process, path string, f *runFlags) int {
	exit := c.await(p, f)
	status := exit.Status()
	switch {
	case exit.TimedOut:
		fmt.Fprintf(c.stderr, "cabitrans: %s was ended: it has not come to its end in %v, which --timeout gives it\n", path,
			f.limits.Timeout)
		status = exitTimeout
	case exit.Fault != nil:
		fmt.Fprint(c.stderr, "cabitrans: "+exit.Fault.Report())
	case ctx.Err() != nil: // whoever has interrupted it knows
	case exit.Signal != 0:
		fmt.Fprintf(c.stderr, "cabitrans: %s was ended by %v\n", path, exit.Signal)
	}
	var err error
	for _, e := range []error{p.TraceErr(), p.CodeLogErr(), p.ProfileErr(), p.PerfMapErr(), p.JITDumpErr(), p.CoverageErr(), p.CountsErr()} {
		if e != nil {
			fmt.Fprintf(c.stderr, "cabitrans: %v\n", e)
			err = e
		}
	}
	switch f.stats {
	case statsText:
		err = errors.Join(err, p.Stats().WriteText(c.stderr))
	case statsJSON:
		err = errors.Join(err, p.Stats().WriteJSON(c.stderr))
	}
	if err != nil {
		// It has been said, if standard error is not gone itself; the status says it, too.
		return max(status, 1)
	}
	return status
}

// await waits for the program, and shows how far it is if that was asked for.
func (c *command) await(p *runtime.Process, f *runFlags) runtime.Exit {
	if f.progress {
		defer newProgress(c.stderr).follow(p)()
	}
	return p.Wait()
}

// openProgram opens an executable that the user may run. It does not wait for the
// other end of a pipe.
func openProgram(path string) (*os.File, error) {
	if err := runnable(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	return f, nil
}

var (
	errDirectory = errors.New("it is a directory")
	errIrregular = errors.New("it is not a regular file")
)

// runnable says why a file is none that may be run.
func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return reason(err)
	case info.IsDir():
		return errDirectory
	case info.Mode()&os.ModeNamedPipe != 0:
		return errors.New("it is a pipe, not a regular file")
	case !info.Mode().IsRegular():
		return errIrregular
	case runtime.ExecutableBits && info.Mode()&0o111 == 0:
		return errors.New("it is not marked as executable; chmod +x allows it to run")
	}
	return nil
}

// openConfig opens a configuration, which may be a pipe.
func openConfig(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errDirectory
	}
	if err != nil {
		f.Close()
		return nil, reason(err)
	}
	return f, nil
}
