package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledFamily kills the command while its program has a child and a
// grandchild, in the ways that leave it no time, and expects all to go: a child
// lives as long as its process descriptor.
func TestKilledFamily(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := prepared(t, declare+"stdout: !fd stdout\nhold: 1\n", "run", guest(t, "fork"))
		cmd.Stdout = w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		in := bufio.NewReader(r)
		if line, err := in.ReadString('\n'); line != "holding\n" {
			t.Fatalf("the program wrote %q, %v", line, err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(in); err != nil {
			t.Errorf("after %v somebody still has the output: %q, %v", sig, rest, err)
		}
		r.Close()
	}
}

// TestForkedFault: a fault in a forked process is reported by itself, and its
// parent, which looks at how it ended, goes on.
func TestForkedFault(t *testing.T) {
	c := call{args: []string{"cabitrans", "run", guest(t, "fork")}, stdin: declare + "stdout: !fd stdout\nfault: 1\n"}
	r := c.run(t)
	if r.status != 0 || r.stdout != "the child has faulted\n" ||
		!strings.Contains(r.stderr, "SIGSEGV in thread ") || !strings.Contains(r.stderr, " fault+0x") {
		t.Errorf("code %d, wrote %q %q", r.status, r.stdout, r.stderr)
	}
}

// TestKilledForkedFiles: forked processes write what was asked for, too, when they are ended by a signal, by their parent's
// end, or because nobody holds their descriptor any more.
func TestKilledForkedFiles(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGKILL} {
		dir := t.TempDir()
		in := func(name string) string { return filepath.Join(dir, name) }
		pid, _, wait := begun(t, "", declare+"stdout: !fd stdout\nhold: 1\n", "run", "--profile", in("profile"), "--coverage",
			in("cover"), "--count=blocks", "--count-output", in("counts"), "-d", "blocks", "-D", in("log"), guest(t, "fork"))
		// The child and its child have translated something: they are under way.
		eventually(t, func() bool { return forkedFiles(in("log"), "<proc_spawn") == 2 })
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		if s := wait(); !s.Signaled() || s.Signal() != sig {
			t.Errorf("%v: ended with %v", sig, s)
		}
		for name, text := range map[string]string{"profile": "\x1f\x8b", "cover": "BB Table", "counts": "blocks "} {
			eventually(t, func() bool { return forkedFiles(in(name), text) == 2 })
		}
	}
}

// forkedFiles is how many forked processes have written text to a file of their own.
func forkedFiles(path, text string) (n int) {
	files, _ := filepath.Glob(path + ".*")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), text) {
			n++
		}
	}
	return n
}

// eventually waits until something is true.
func eventually(t *testing.T, what func() bool) {
	t.Helper()
	for range 6000 {
		if what() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it has not happened in a minute")
}
