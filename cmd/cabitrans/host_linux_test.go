package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sentence reports whether text is what fail prints.
func sentence(text string) bool {
	rest, ok := strings.CutPrefix(text, "cabitrans: ")
	return ok && strings.Count(rest, "\n") == 1 && strings.HasSuffix(rest, "\n")
}

// prepared is the command, not yet started.
func prepared(t *testing.T, stdin string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"cabitrans"}, args...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	cmd.Stdin = strings.NewReader(stdin)
	return cmd
}

// TestSignals: the usual signals end the command at once, whatever its program
// does, and whoever started it sees which one it was.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM,
		syscall.SIGUSR1, syscall.SIGXCPU,
	} {
		for _, threads := range []int{1, 4} {
			conf := fmt.Sprintf("%sstdout: !fd stdout\nstderr: !fd stderr\nthreads: %d\n", declare, threads)
			cmd := prepared(t, conf, "run", guest(t, "spin"))
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "spinning") {
				t.Errorf("the program wrote %q, %v", line, err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // says how it ended, as the state does
			if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != sig {
				t.Errorf("%v, %d threads: %v", sig, threads, cmd.ProcessState)
			}
			if said.String() != "" {
				t.Errorf("%v, %d threads: it says %q", sig, threads, said.String())
			}
		}
	}
}

// TestClosedDescriptors: standard descriptors that are not there. Go opens the
// null device in their place.
func TestClosedDescriptors(t *testing.T) {
	run := cabitrans(helloConf, "run", guest(t, "hello"))
	run.shell = `exec "$@" <&-`
	run.run(t).expect(t, outcome{stderr: "cabitrans: stdin:1:1: " + noArgs + "\n", status: 127})
	run.shell = `exec "$@" >&-`
	run.run(t).expect(t, outcome{})
	run.shell = `exec "$@" 2>&-`
	run.run(t).expect(t, outcome{stdout: helloText})
	run.args = []string{"cabitrans"}
	run.run(t).expect(t, outcome{status: 127})
}

// TestNobodyReads: nothing that cannot be written leads to a trace.
func TestNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	hello := guest(t, "hello")

	// The program is told; it is no business of the command.
	run := cabitrans(declare+"stdout: !fd 3\n", "run", hello)
	run.files = []*os.File{w}
	o := run.run(t)
	if strings.Contains(o.stderr, "goroutine") || o.status <= 0 || o.status >= 126 {
		t.Errorf("a program that cannot write: %+v", o)
	}

	// The command's own output.
	run = cabitrans("", "help")
	run.files, run.shell = []*os.File{w}, `exec "$@" >&3`
	run.run(t).expect(t, outcome{status: -1}) // SIGPIPE, as usual
	run.shell = `exec "$@" >/dev/full`
	run.run(t).expect(t, outcome{stderr: "cabitrans: cannot write the help text: no space left on device\n", status: 127})
	run = cabitrans(helloConf, "run", "--stats", hello)
	run.shell = `exec "$@" 2>/dev/full`
	run.run(t).expect(t, outcome{stdout: helloText, status: 1})
	run = cabitrans(crashConf("segv"), "run", "--stats", guest(t, "crash"))
	run.shell = `exec "$@" 2>/dev/full`
	run.run(t).expect(t, outcome{status: 139})
}

// TestGrantedOnce: while a program runs, a descriptor that it was given is open
// once. A second one, the command's, would keep the other end of a pipe waiting
// when the program has closed its own.
func TestGrantedOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	conf := fmt.Sprintf("%sstdout: !fd 3\nstderr: !fd stderr\nthreads: 1\nfile: !file { path: %q }\n",
		declare, file.Name())
	cmd := prepared(t, conf, "run", guest(t, "spin"))
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("the program wrote %q, %v", line, err)
	}
	for _, f := range []*os.File{w, file} {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		awaitOne(t, cmd.Process.Pid, info)
	}
}

// awaitOne waits until a process has one descriptor of a file. The command closes
// its own when the program already runs.
func awaitOne(t *testing.T, pid int, file os.FileInfo) {
	n := 0
	for range 5000 {
		n = 0
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && os.SameFile(info, file) {
				n++
			}
		}
		if n == 1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%s is open %d times", file.Name(), n)
}

// TestLimits: a host that gives less than a launch needs.
func TestLimits(t *testing.T) {
	run := cabitrans(helloConf, "run", guest(t, "hello"))
	run.shell = `ulimit -v 2000000 && exec "$@"`
	run.run(t).hidePlaces().expect(t, outcome{status: 127, stderr: "cabitrans: cannot reserve the look-up tables: " +
		"PLACE: cannot allocate memory (is the address-space limit, ulimit -v, too low?)\n"})

	if testing.CoverMode() != "" {
		t.Skip("a program that measures coverage opens files of its own when it ends")
	}
	// With descriptors only the number counts at which it begins to work.
	few := 0
	for n := 4; n < 64; n++ {
		run.shell = fmt.Sprintf(`ulimit -n %d && exec "$@"`, n)
		o := run.run(t)
		if o == (outcome{stdout: helloText}) {
			break
		}
		few++
		if o.status != 127 || !sentence(o.stderr) || o.stdout != "" ||
			!strings.Contains(o.stderr, "ulimit -n") && !strings.Contains(o.stderr, "too many open files") {
			t.Errorf("%d descriptors: %+v", n, o)
		}
	}
	if few == 0 || few == 60 {
		t.Errorf("%d limits are too low", few)
	}
}
