package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cabitrans/internal/debugregs"
)

const debugConf = declare + "stdout: !fd stdout\nstderr: !fd stderr\nself: !executable\n"

// toolPath is where a program is, or skips the test.
func toolPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing: install it, and this test drives it", name)
	}
	return path
}

// gdb runs a program of the repository with a configuration under gdb, which is given
// commands, and returns what gdb has written and what the program's end was. With file
// gdb is told of the program, otherwise it asks.
func gdb(t *testing.T, program, conf string, file bool, commands ...string) (session string, o outcome) {
	t.Helper()
	return gdbWith(t, nil, program, conf, file, commands...)
}

// gdbWith is gdb with further flags of run.
func gdbWith(t *testing.T, flags []string, program, conf string, file bool, commands ...string) (session string, o outcome) {
	t.Helper()
	return debugged(t, flags, program, conf, func(dir, socket string) []string {
		script := "set pagination off\nset confirm off\nset width 0\nset debuginfod enabled off\nset print thread-events off\n" +
			"set remotetimeout 60\n" +
			"target remote " + socket + "\n" + strings.Join(commands, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o666); err != nil {
			t.Fatal(err)
		}
		args := []string{toolPath(t, "gdb"), "-nx", "-batch", "-x", filepath.Join(dir, "script")}
		if file {
			args = append(args, guest(t, program))
		}
		return args
	})
}

// debugged runs a program for a debugger, of which command is the command line for a socket, and a directory of its own.
func debugged(
	t *testing.T, flags []string, program, conf string, command func(dir, socket string) []string,
) (session string, o outcome) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "gdb")
	if !filepath.IsAbs(program) {
		program = guest(t, program)
	}
	args := command(dir, socket)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, self)
	run.Args = append(append([]string{"cabitrans", "run", "--gdb", socket}, flags...), program)
	run.Env = append(os.Environ(), mainEnv+"=1")
	run.Stdin = strings.NewReader(conf)
	var out strings.Builder
	run.Stdout = &out
	errs, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(errs)
	if line, _ := r.ReadString('\n'); line != "cabitrans: waiting for a debugger: target remote "+socket+"\n" {
		t.Errorf("it says %q", line)
	}
	debugger := exec.CommandContext(ctx, args[0], args[1:]...)
	debugger.Dir = filepath.Join("..", "..") // where the source is to be found from
	debugger.Env = append(os.Environ(), "HOME="+dir)
	text, err := debugger.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", args[0], err, text)
	}
	var rest strings.Builder
	_, _ = r.WriteTo(&rest)
	_ = run.Wait()
	if ctx.Err() != nil {
		t.Fatalf("it did not end in time; the debugger wrote\n%s", text)
	}
	return string(text), outcome{out.String(), rest.String(), run.ProcessState.ExitCode()}
}

// inOrder finds patterns in what gdb has written, one behind the other.
func inOrder(t *testing.T, session string, patterns ...string) {
	t.Helper()
	rest := session
	for _, p := range patterns {
		at := regexp.MustCompile(`(?m)` + p).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("%q is missing in\n%s\nof\n%s", p, rest, session)
		}
		rest = rest[at[1]:]
	}
}

const debugDone = "debug ok total=55 vector=6 area=12\n"

// TestGDB drives what a person does: symbols and source, breakpoints with conditions,
// stepping, stacks, registers, threads and their variables, calls, and goes.
func TestGDB(t *testing.T) {
	s, o := gdb(t, "debug", debugConf+"forever: 1\n", true,
		"info symbol $pc", "break add if b == 5", "continue", "backtrace", "info threads", "print own",
		"info registers rip fs_base", "up", "info locals", "down", "finish", "next", "next", "step",
		"tbreak scale", "continue", "print v", "print $xmm0.v4_float", "info registers mxcsr eflags",
		"tbreak area", "continue", "print *p", "print p->name", "print add(40, 2)", "stepi", "nexti", "x/2i $pc",
		"tbreak once_around", "continue", "print own - 100 == i", "thread apply all backtrace 1",
		"set var forever = 0", "detach")
	inOrder(t, s, `^_start in section \.text`, `^Breakpoint 1 at 0x[0-9a-f]+: file prog/debug\.c`,
		`^Thread 1 .*hit Breakpoint 1, add \(a=10, b=5\) at prog/debug\.c:`, `u64 sum = a \+ b;`,
		`^#0 .* add \(a=10, b=5\)`, `^#1 .* sum_to \(n=10\) at prog/debug\.c`, `^#2 .* guest_main \(args=0x`,
		`^\* 1 +Thread \d+ \(in its code\) +add`, `^\$1 = 7$`, `^rip +0x\w+ +0x\w+ <add\+`, `^fs_base +0x[1-9a-f]`,
		`^#1 .* sum_to`, `^result = 10$`, `^Value returned is \$\d+ = 15$`,
		`hit Temporary breakpoint 2, scale`, `= \{1, 2, 3, 4\}`, `= \{1, 2, 3, 4\}`, `^mxcsr +0x1f\w\w +\[.* IM`, `^eflags .*IF`,
		`hit Temporary breakpoint 3, area`, `= \{x = 3, y = 4, name = 0x\w+ "corner"\}`, `"corner"`, `= 42$`,
		`^=> 0x\w+ <area\+`, `hit Temporary breakpoint 4, once_around`, `= 1$`, `^Thread \d`, `^Thread \d`, `^Thread 1`, `detached`)
	o.expect(t, outcome{debugDone, "", 3})
}

// TestGDBAlone: gdb needs to be told nothing but the address.
func TestGDBAlone(t *testing.T) {
	s, o := gdb(t, "debug", debugConf, false, "break area", "continue", "print corner", "info sharedlibrary", "info auxv", "delete", "continue")
	inOrder(t, s, `^Reading .*/bin/debug from remote target`, `Breakpoint 1, area`, `name = 0x\w+ "corner"`, `AT_ENTRY`,
		`exited with code 03`)
	o.expect(t, outcome{debugDone, "", 3})
}

// TestGDBWatch: watchpoints in hardware, and by single steps where gdb is told so.
func TestGDBWatch(t *testing.T) {
	debugregs.Need(t)
	s, o := gdb(t, "debug", debugConf+"forever: 1\n", true, "break sum_to", "continue", "delete", "watch counter", "continue",
		"continue", "delete", "set can-use-hw-watchpoints 0", "watch counter", "continue", "delete",
		"set can-use-hw-watchpoints 1", "rwatch work", "continue", "delete", "set var forever = 0", "detach")
	inOrder(t, s, `^Hardware watchpoint 2: counter`, `^Old value = 0\nNew value = 1\n`, `^Old value = 1\nNew value = 3\n`,
		`^Watchpoint 3: counter`, `^Old value = 3\nNew value = 6\n`,
		`^Hardware read watchpoint 4: work`, `^Value = \d+`, `detached`)
	o.expect(t, outcome{debugDone, "", 3})
}

// TestGDBFault: gdb stops at a fault, and to go on ends the program as it would have
// ended.
func TestGDBFault(t *testing.T) {
	s, o := gdb(t, "crash", crashConf("segv"), true, "continue", "backtrace", "print $_siginfo._sifields._sigfault.si_addr", "continue")
	inOrder(t, s, `received signal SIGSEGV`, `^#0 .* crash_inner`, `^#1 .* crash_middle`, `^#2 .* crash_outer`, `\(void \*\) 0x10$`,
		`^Program terminated with signal SIGSEGV`)
	if o.status != 139 || !strings.Contains(o.stderr, "SIGSEGV in thread") {
		t.Errorf("%+v", o)
	}
}

// TestGDBThreads steps one thread among others, follows the program into another one, and
// kills what it is.
func TestGDBThreads(t *testing.T) {
	s, o := gdb(t, "debug", debugConf+"forever: 1\nbecome: 1\n", true,
		"break once_around", "continue", "continue", "delete", "set scheduler-locking on", "next", "info threads",
		"set scheduler-locking off", "set var forever = 0", "break guest_main", "continue", "kill")
	inOrder(t, s, `Breakpoint 1, once_around`, `Breakpoint 1, once_around`, `^\* \d`, `is executing new program: .*/bin/debug`, `Breakpoint 2, guest_main`)
	if o.status != 137 {
		t.Errorf("%+v", o)
	}
}

// TestGDBRefused: places where no debugger can connect, and what is none.
func TestGDBRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().String()
	for address, want := range map[string]string{
		busy:                     "cannot wait for a debugger at " + busy + ": another program uses that address, or a file is there",
		"1234":                   `invalid value "1234" for flag -gdb: "1234" is neither a port (:1234) nor a path (./1234); cabitrans help lists the flags`,
		"":                       `invalid value "" for flag -gdb: it is an address: :PORT, HOST:PORT or the path of a socket; cabitrans help lists the flags`,
		":1,later":               `invalid value ":1,later" for flag -gdb: an address can be followed by nowait, not by "later"; cabitrans help lists the flags`,
		"/no/such/directory/gdb": "cannot wait for a debugger at /no/such/directory/gdb: no such file or directory",
	} {
		cabitrans(helloConf, "run", "--gdb", address, guest(t, "hello")).run(t).expect(t,
			outcome{"", "cabitrans: " + want + "\n", exitLaunch})
	}
	o := cabitrans(helloConf, "run", "--gdb", "127.0.0.1:0,nowait", guest(t, "hello")).run(t)
	if o.status != 0 || o.stdout != helloText || !strings.HasPrefix(o.stderr, "cabitrans: listening for a debugger: target remote 127.0.0.1:") {
		t.Errorf("%+v", o)
	}
}
