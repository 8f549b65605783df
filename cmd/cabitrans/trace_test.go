package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"cabitrans/internal/testdir"
)

// TestTrace writes calls to standard error and to a file, and refuses what cannot be.
func TestTrace(t *testing.T) {
	hello := guest(t, "hello")
	file := filepath.Join(testdir.New(t), "calls")
	exit := regexp.MustCompile(`(?m)^\d+ proc_exit\(0\) = \?$`)

	o := cabitrans(helloConf, "run", "--strace=process", hello).run(t)
	if o.status != 0 || o.stdout != helloText || !exit.MatchString(o.stderr) {
		t.Errorf("to standard error: %+v", o)
	}
	o = cabitrans(helloConf, "run", "--strace=process", "-o", file, hello).run(t)
	if o != (outcome{stdout: helloText}) {
		t.Errorf("to a file: %+v", o)
	}
	if b, err := os.ReadFile(file); err != nil || !exit.Match(b) {
		t.Errorf("the file holds %q, %v", b, err)
	}
	_, err := os.Create("/nowhere/file")
	nowhere := reason(err).Error()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--strace=fd_reed"}, `cabitrans: invalid value "fd_reed" for flag -strace: there is no system call or group ` +
			`"fd_reed"; the groups are all, desc, file, memory, network, process, thread, time; cabitrans help lists the flags` + "\n"},
		{[]string{"-c"}, "cabitrans: -c is for --strace, which was not given; cabitrans help lists the flags\n"},
		{[]string{"-o", "x"}, "cabitrans: -o is for --strace, which was not given; cabitrans help lists the flags\n"},
		{[]string{"--strace", "-o", "/nowhere/file"}, "cabitrans: cannot write system calls to /nowhere/file: " + nowhere + "\n"},
	} {
		o := cabitrans(helloConf, append(append([]string{"run"}, c.args...), hello)...).run(t)
		if o.status != 127 || o.stdout != "" || o.stderr != c.want {
			t.Errorf("%q: %+v, want %q", c.args, o, c.want)
		}
	}
	if _, err := os.Stat("/dev/full"); err == nil && !onWindows {
		o := cabitrans(helloConf, "run", "--strace", "-o", "/dev/full", hello).run(t)
		want := "cabitrans: system calls can no longer be written down: write /dev/full: no space left on device\n"
		if o.stdout != helloText || o.stderr != want || o.status != 1 {
			t.Errorf("to a full device: %+v", o)
		}
	}
}
