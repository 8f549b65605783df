package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestJITDump: perf takes functions and their translations from what --jitdump writes.
func TestJITDump(t *testing.T) {
	perf, dir := toolPath(t, "perf"), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command(perf, args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(declare+"stdout: !fd stdout\n")
		cmd.Env = append(os.Environ(), mainEnv+"=1", "HOME="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	// The name of the command is that of the test binary: see mainEnv.
	out, err := run("record", "-k", "1", "-e", "cpu-clock", "-o", "perf.data", "--", self, "run", "--jitdump", guest(t, "fib"))
	if err != nil {
		t.Skipf("perf cannot record here: %v\n%s", err, out)
	}
	if dumps, _ := filepath.Glob(filepath.Join(dir, "jit-*.dump")); len(dumps) != 1 {
		t.Errorf("the dumps are %q", dumps)
	}
	if out, err = run("inject", "--jit", "-i", "perf.data", "-o", "perf.jit.data"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err = run("report", "-i", "perf.jit.data", "--stdio", "--sort", "dso,sym")
	if err != nil || !strings.Contains(out, "jitted-") || !strings.Contains(out, "[.] fib") {
		t.Errorf("%v\n%s", err, out)
	}
}
