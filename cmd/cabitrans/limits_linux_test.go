package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cabitrans/runtime"
)

const spinConf = declare + "stdout: !fd stdout\nstderr: !fd stderr\n"

// TestTimeoutFlag: the status is that of timeout(1), what was asked for is written.
func TestTimeoutFlag(t *testing.T) {
	run := cabitrans(spinConf, "run", "--timeout", "0.3", "--stats=json", "bin/spin")
	run.dir = filepath.Join("..", "..", "guests")
	o := run.run(t)
	first, rest, _ := strings.Cut(o.stderr, "\n")
	if want := "cabitrans: bin/spin was ended: it has not come to its end in 300ms, which --timeout gives it"; o.status != 124 ||
		first != want || !strings.Contains(rest, `"instructions"`) {
		t.Errorf("%+v", o)
	}
	cabitrans(helloConf, "run", "--timeout=1h", guest(t, "hello")).run(t).expect(t, outcome{stdout: helloText})
}

// TestMemoryFlag: a limit that a program keeps, and one that it cannot begin with.
func TestMemoryFlag(t *testing.T) {
	hello := guest(t, "hello")
	cabitrans(helloConf, "run", "--memory=16M", "--max-fds=1", "--max-threads=1", hello).run(t).expect(t, outcome{stdout: helloText})
	cabitrans(helloConf, "run", "--memory=1M", hello).run(t).expect(t, outcome{status: 127, stderr: "cabitrans: cannot run " +
		hello + ": the limit of 1048576 bytes of memory is too low: no memory for a stack of 8388608 bytes: ENOMEM\n"})
	cabitrans(crashConf("ud2"), "run", "--max-fds=1", guest(t, "crash")).run(t).expect(t, outcome{status: 127,
		stderr: "cabitrans: cannot run " + guest(t, "crash") + ": the limit is too low: it is granted 2 descriptors, and may have 1\n"})
}

func TestLimitValues(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"1": time.Second, "1.5": 1500 * time.Millisecond, "90s": 90 * time.Second, "2m": 2 * time.Minute, "1h30m": 90 * time.Minute,
		"0": 0, "-1": 0, "": 0, "x": 0, "1d": 0, "1e300": 0, "inf": 0, "nan": 0,
	} {
		if d, err := parseTime(s); d != want || (err != nil) != (want == 0) {
			t.Errorf("time %q: %v, %v; want %v", s, d, err, want)
		}
	}
	for s, want := range map[string]uint64{
		"1": 1, "64k": 64 << 10, "64M": 64 << 20, "1G": 1 << 30, "0": 0, "": 0, "M": 0, "-1": 0, "1T": 0, "1.5G": 0,
		"99999999999999999999": 0, "18446744073709551615": 1<<64 - 1, "18446744073709551615K": 0,
	} {
		if n, err := parseSize(s); n != want || (err != nil) != (want == 0) {
			t.Errorf("size %q: %v, %v; want %v", s, n, err, want)
		}
	}
	cabitrans("", "run", "--max-fds=0", "x").run(t).expect(t, outcome{status: 127,
		stderr: `cabitrans: invalid value "0" for flag -max-fds: it is a number from 1 on` + listed + "\n"})
}

// begun starts a run and waits for the first line that its program writes.
func begun(t *testing.T, shell, conf string, args ...string) (pid int, out *bufio.Reader, wait func() syscall.WaitStatus) {
	t.Helper()
	cmd := prepared(t, conf, args...)
	if shell != "" {
		cmd.Args = append([]string{"sh", "-c", shell, "sh", cmd.Path}, args...)
		cmd.Path = "/bin/sh"
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out = bufio.NewReader(r)
	if line, err := out.ReadString('\n'); err != nil {
		t.Fatalf("the program wrote %q, %v", line, err)
	}
	return cmd.Process.Pid, out, func() syscall.WaitStatus {
		_ = cmd.Wait() // says how it ended, as the state does
		s, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		return s
	}
}

// TestInterruptedTrace: a signal ends the program and its children, and what was asked for
// is written whole.
func TestInterruptedTrace(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		calls := filepath.Join(t.TempDir(), "calls")
		pid, out, wait := begun(t, "", declare+"stdout: !fd stdout\nhold: 1\n", "run", "--strace", "-c", "-o", calls, guest(t, "fork"))
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		if s := wait(); !s.Signaled() || s.Signal() != sig {
			t.Errorf("%v: ended with %v", sig, s)
		}
		if rest, err := io.ReadAll(out); err != nil {
			t.Errorf("after %v a child has the output: %q, %v", sig, rest, err)
		}
		if b, err := os.ReadFile(calls); err != nil || !strings.Contains(string(b), "proc_fork") {
			t.Errorf("%v: the summary is %q, %v", sig, b, err)
		}
	}
}

// TestIgnoredSignals: what nohup, or a shell for what runs in the background, has ignored
// ends no program.
func TestIgnoredSignals(t *testing.T) {
	pid, _, wait := begun(t, `trap "" INT HUP; exec "$@"`, spinConf, "run", guest(t, "spin"))
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("it has ended: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if s := wait(); !s.Signaled() || s.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", s)
	}
}

// TestSecondInterrupt: while the first signal's work cannot get on, the second ends all.
func TestSecondInterrupt(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(fifo, os.O_RDWR, 0) // a reader, who never reads
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := unix.FcntlInt(r.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	pid, _, wait := begun(t, "", spinConf, "run", "--profile", fifo, guest(t, "spin"))
	for range 600 { // the first may come a moment after the program has begun to write
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || strings.Contains(string(b), ") Z ") {
			break
		}
	}
	if s := wait(); !s.Signaled() || s.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v", s)
	}
}

// TestBrokenTrace: nobody reads the calls; the program does not feel it.
func TestBrokenTrace(t *testing.T) {
	run := cabitrans(helloConf, "run", "--strace", guest(t, "hello"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	run.shell, run.files = `exec "$@" 2>&3`, []*os.File{w}
	run.run(t).expect(t, outcome{stdout: helloText, status: 1})
}

// TestProgress: the line is for terminals only.
func TestProgress(t *testing.T) {
	cabitrans(helloConf, "run", "--progress", guest(t, "hello")).run(t).expect(t, outcome{stdout: helloText})

	terminal, other := openTerminal(t)
	cmd := prepared(t, declare+"stdout: !fd stdout\n", "run", "--progress", "--timeout=2", guest(t, "spin"))
	cmd.Stderr = other
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	other.Close()
	var text strings.Builder
	_, _ = io.Copy(&text, terminal) // ends with an error when the other side is closed
	_ = cmd.Wait()
	got := text.String()
	if !strings.Contains(got, " instructions translated, ") || !strings.Contains(got, eraseLine+"cabitrans: ") ||
		cmd.ProcessState.ExitCode() != exitTimeout {
		t.Errorf("%v, on the terminal %q", cmd.ProcessState, got)
	}
	line := progressLine(3*time.Second+time.Millisecond, runtime.Stats{
		Instructions: 12, Calls: map[string]uint64{"a": 1, "b": 2}, MappedBytes: 8<<20 + 1})
	if line != "3s: 12 instructions translated, 3 calls, 8 MiB" {
		t.Errorf("the line is %q", line)
	}
}

// openTerminal makes a terminal; what is written to other can be read from the first.
func openTerminal(t *testing.T) (terminal, other *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	other, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	return terminal, other
}
