package main

import (
	"bufio"
	"io"
	"os"
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
