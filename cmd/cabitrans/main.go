// Command cabitrans runs CloudABI executables on hosts that do not know CloudABI.
//
//	cabitrans run [flags] PROGRAM
//	cabitrans help
//
// # One table
//
// A command is a line of subcommands (commands.go), a flag is a line of that command's
// list of options: run's is runFlags.options (flags.go), others stand beside their
// command. The parser (option.go), the help text (help.go), the manual page (man.go) and
// the completions of shells (completion.go) are made from these lines, and nothing else
// has to be told of a new one.
//
// Under the name cloudabi-run it takes the command line of the program of that
// name: cloudabi-run [-e] [--tls=NAME] PROGRAM.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"cabitrans/bench"
	"cabitrans/runtime"
)

// exitLaunch is the exit status of a launch that failed.
const exitLaunch = 127

func main() {
	runtime.EnableFork()
	if runsProgram(os.Args) {
		collectLater()
		if status, done := runtime.Supervise(); done {
			os.Exit(status)
		}
	}
	status := doMain(os.Args, os.Stdin, os.Stdout, os.Stderr)
	runtime.Ended()
	os.Exit(status)
}

// collectPercent is GOGC for a process that runs a program, unless the environment has one: of the little that it
// allocates most is translations, which stay. Go's first collection, at 4 MB, would come while a program starts, and cost
// more than all of its start: 3 ms, and a fault for each of the collector's own pages. This makes it 10 MB.
const collectPercent = 250

func collectLater() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectPercent)
	}
}

// runsProgram reports a command line that runs somebody's program in this process.
func runsProgram(args []string) bool {
	return nameOf(args) == "cloudabi-run" || len(args) > 1 && args[1] == "run"
}

// nameOf is the name by which this program was called.
func nameOf(args []string) string {
	if len(args) == 0 {
		return "cabitrans"
	}
	return strings.TrimSuffix(filepath.Base(args[0]), ".exe")
}

// doMain is the program without the process around it; it returns the exit
// status.
func doMain(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr}
	name := nameOf(args)
	if len(args) > 0 {
		args = args[1:]
	}
	switch name {
	case "cloudabi-run":
		return c.cloudabiRun(args)
	case binfmtName:
		return c.binfmtRun(args)
	}
	if len(args) == 0 {
		return c.fail("a command is missing; cabitrans help lists what there is")
	}
	switch args[0] {
	case "-h", "-help", "--help":
		args[0] = "help"
	case bench.ChildCommand:
		return bench.Child(args[1:], stdout, stderr)
	}
	if s := subcommandOf(args[0]); s != nil {
		return s.do(c, args[1:])
	}
	return c.fail("there is no command %q; cabitrans help lists what there is", args[0])
}

// A command is one invocation's connection to the outside.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// fail prints one sentence and returns the status of a failed launch.
func (c *command) fail(format string, args ...any) int {
	fmt.Fprintf(c.stderr, "cabitrans: "+format+"\n", args...)
	return exitLaunch
}
