package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const trailText = "trail n=5 threads=1\n"

// trailConf is a configuration of the guest trail.
func trailConf(how string) string {
	return declare + "stdout: !fd stdout\nstderr: !fd stderr\nn: 5\nhow: " + how + "\n"
}

// TestCover writes coverage and counts, and refuses what cannot be.
func TestCover(t *testing.T) {
	trail, hello, dir := guest(t, "trail"), guest(t, "hello"), t.TempDir()
	for _, c := range []struct{ name, format, want string }{
		{"a", "", "DRCOV VERSION: 2\n"}, {"a.info", "", "TN:\n"}, {"b", "lcov", "TN:\n"}, {"b.info", "drcov", "DRCOV VERSION: 2\n"},
	} {
		file := filepath.Join(dir, c.name)
		args := []string{"run", "--coverage", file}
		if c.format != "" {
			args = append(args, "--coverage-format="+c.format)
		}
		if o := cabitrans(trailConf("end"), append(args, trail)...).run(t); o != (outcome{stdout: trailText}) {
			t.Errorf("%v: %+v", c, o)
		}
		if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), c.want) {
			t.Errorf("%v: the file holds %q, %v", c, b, err)
		}
	}
	o := cabitrans(trailConf("end"), "run", "--count=insns", trail).run(t)
	if o.status != 0 || o.stdout != trailText || !strings.Contains(o.stderr, "\ninstructions executed: ") {
		t.Errorf("counts to standard error: %+v", o)
	}
	file := filepath.Join(dir, "counts")
	o = cabitrans(trailConf("end"), "run", "--count=blocks,opcodes", "--count-output", file, trail).run(t)
	if o != (outcome{stdout: trailText}) {
		t.Errorf("counts to a file: %+v", o)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "\nblocks entered: ") {
		t.Errorf("the file holds %q, %v", b, err)
	}
	const list = "; cabitrans help lists the flags\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--coverage=x", "--coverage-format=gcov"}, `invalid value "gcov" for flag -coverage-format: there is no ` +
			`format "gcov", only drcov and lcov` + list},
		{[]string{"--coverage-format=lcov"}, "--coverage-format is for --coverage, which was not given" + list},
		{[]string{"--count-output=x"}, "--count-output is for --count, which was not given" + list},
		{[]string{"--count=cycles"}, `invalid value "cycles" for flag -count: there is no "cycles"; there are blocks, insns, ` +
			`indirect, opcodes, separated by commas` + list},
		{[]string{"--coverage=/nowhere/file"}, "cannot write coverage to /nowhere/file: no such file or directory\n"},
		{[]string{"--count=insns", "--count-output=/nowhere/file"}, "cannot write counts to /nowhere/file: no such file or " +
			"directory\n"},
		{[]string{"--coverage=" + filepath.Join(dir, "c.info")}, "cannot run " + hello + ": the program has no line tables; " +
			"build it with -g, or take the format drcov\n"},
	} {
		o := cabitrans(helloConf, append(append([]string{"run"}, c.args...), hello)...).run(t)
		if o != (outcome{stderr: "cabitrans: " + c.want, status: 127}) {
			t.Errorf("%q: %+v, want %q", c.args, o, c.want)
		}
	}
	o = cabitrans(helloConf, "run", "--coverage=/dev/full", hello).run(t)
	want := "cabitrans: the coverage cannot be written: write /dev/full: no space left on device\n"
	if o != (outcome{stdout: helloText, stderr: want, status: 1}) {
		t.Errorf("to a full device: %+v", o)
	}
}

// TestGenhtml: lcov's own tool makes pages of it, with as many lines as it has.
func TestGenhtml(t *testing.T) {
	genhtml := toolPath(t, "genhtml")
	info := filepath.Join(t.TempDir(), "trail.info")
	cabitrans(trailConf("end"), "run", "--coverage", info, guest(t, "trail")).run(t)
	b, err := os.ReadFile(info)
	if err != nil {
		t.Fatal(err)
	}
	lines := len(regexp.MustCompile(`(?m)^DA:`).FindAll(b, -1))
	hit := lines - len(regexp.MustCompile(`(?m)^DA:\d+,0$`).FindAll(b, -1))
	cmd := exec.Command(genhtml, "--output-directory", filepath.Join(t.TempDir(), "html"), info)
	cmd.Dir = filepath.Join("..", "..", "guests")
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("(%d of %d lines)", hit, lines); err != nil || hit < 10 || !strings.Contains(string(out), want) {
		t.Errorf("%v, no %s in\n%s", err, want, out)
	}
}

// TestInterruptedCoverage interrupts a program that never ends: what was executed until then is written.
func TestInterruptedCoverage(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := t.TempDir()
		cover, counts := filepath.Join(dir, "cover"), filepath.Join(dir, "counts")
		cmd := prepared(t, trailConf("wait"), "run", "--coverage", cover, "--count=insns", "--count-output", counts, guest(t, "trail"))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1)) // it is under way
		time.Sleep(50 * time.Millisecond)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says how it ended, as the state does
		if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != sig {
			t.Errorf("%v: ended with %v", sig, cmd.ProcessState)
		}
		if b, err := os.ReadFile(cover); err != nil || !strings.HasPrefix(string(b), "DRCOV VERSION: 2\n") {
			t.Errorf("%v: the coverage is %q, %v", sig, b, err)
		}
		// trail_choose and its callees are all that it does: of the two in turn.
		b, err := os.ReadFile(counts)
		var n, choose int
		if i := strings.Index(string(b), "executed: "); err == nil && i > 0 {
			fmt.Sscanf(string(b[i:]), "executed: %d\n%d  trail_choose", &n, &choose)
		}
		if choose < 1000 || choose > n {
			t.Errorf("%v: %d of %d instructions, %v:\n%s", sig, choose, n, err, b)
		}
	}
}
