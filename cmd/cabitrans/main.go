// Command cabitrans runs CloudABI executables on hosts that do not know CloudABI.
//
//	cabitrans run [--config FILE] [--stats[=json]] [--tls=NAME] [--strace[=LIST] [-o FILE] [-c] [-t]]
//		[--profile FILE [--profile-hz N]] [--perf-map] PROGRAM
//	cabitrans inspect [--json] [-v] PROGRAM
//	cabitrans disasm [--tls=NAME] [--moving] PROGRAM [SYMBOL|ADDRESS]
//
// Under the name cloudabi-run it takes the command line of the program of that
// name: cloudabi-run [-e] [--tls=NAME] PROGRAM.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cabitrans/inspect"
	"cabitrans/runtime"
)

// exitLaunch is the exit status of a launch that failed.
const exitLaunch = 127

func main() {
	runtime.EnableFork()
	os.Exit(doMain(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// doMain is the program without the process around it; it returns the exit
// status.
func doMain(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr}
	name := "cabitrans"
	if len(args) > 0 {
		name, args = strings.TrimSuffix(filepath.Base(args[0]), ".exe"), args[1:]
	}
	if name == "cloudabi-run" {
		return c.cloudabiRun(args)
	}
	if len(args) == 0 {
		return c.fail("a command is missing; cabitrans help lists what there is")
	}
	switch args[0] {
	case "run":
		return c.run(args[1:])
	case "inspect":
		return c.inspect(args[1:])
	case "disasm":
		return c.disasm(args[1:])
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			return c.fail("%s takes no argument, but %q follows it", args[0], args[1])
		}
		return c.help()
	}
	return c.fail("there is no command %q; cabitrans help lists what there is", args[0])
}

const usage = `cabitrans runs CloudABI executables.

Usage:

  cabitrans run [flags] PROGRAM       run a program
  cabitrans inspect [flags] PROGRAM   say what is in a program
  cabitrans disasm [flags] PROGRAM [SYMBOL|ADDRESS]
                                      show instructions and their translation
  cabitrans help                      show this text

The program's argument data and descriptors are described in YAML, read from
standard input or from the file that --config names:

  %TAG ! tag:nuxi.nl,2015:cloudabi/
  ---
  message: hello
  output: !fd stdout
  data: !file { path: /var/lib/data }

Flags of run:

  --config FILE    read the configuration from FILE; - is standard input
  --stats[=json]   when the program has ended, write counts to standard error,
                   as text or as one JSON object
  --tls=NAME       how guest threads have their thread-local storage; all ways do
                   the same, at different cost. Here there are
                     TLSNAMES
  --strict         keep what the ABI lets calls and returns lose, register r11 and
                   the memory below the stack; slower
  --strace[=LIST]  write system calls to standard error, as strace does: those in
                   LIST, names of calls and of groups (all, desc, file, memory,
                   network, process, thread, time); all but those after a "!"
  -o FILE          write system calls to FILE
  -c               write how many calls there were and how long they took, at the
                   end, instead of the calls
  -t               begin each line with the time of day
  --profile FILE   sample where the program spends its CPU time, and write that to
                   FILE when it has ended or is interrupted, for go tool pprof;
                   forked processes are left out
  --profile-hz N   take N samples in a second of each thread, 1 to 1000; without
                   it 100
  --perf-map       when the program has ended or is interrupted, write
                   /tmp/perf-PID.map, by which perf names its functions

Flags of inspect:

  --json           write one JSON object instead of text
  -v               list every place, not only the first few

Flags of disasm, which shows one function, or all; an address begins with 0x:

  --tls=NAME       translate as with that TLS strategy, of this host or another;
                   all: compare all there are
                     ALLTLS
  --moving         translate as it is done once a program has set an %fs base of
                   its own, as those built before April 2016 do

The exit status of run is the program's own; 127 if it could not be started; 128
and the number of the signal if a signal ended it. That of inspect is 0 if the
program would run here, 1 if not, 127 if it could not be read; that of disasm 0
or 127.
`

// A command is one invocation's connection to the outside.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// helpText is usage with the strategies of this host.
func helpText() string {
	return strings.NewReplacer("TLSNAMES", strings.Join(runtime.TLSStrategies(), ", "),
		"ALLTLS", strings.Join(inspect.TLSNames(), ", ")).Replace(usage)
}

// help prints the usage where it was asked for.
func (c *command) help() int {
	if _, err := io.WriteString(c.stdout, helpText()); err != nil {
		return c.fail("cannot write the help text: %v", reason(err))
	}
	return 0
}

// fail prints one sentence and returns the status of a failed launch.
func (c *command) fail(format string, args ...any) int {
	fmt.Fprintf(c.stderr, "cabitrans: "+format+"\n", args...)
	return exitLaunch
}
