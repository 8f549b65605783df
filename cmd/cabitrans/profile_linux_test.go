package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// TestProfile writes a profile, and refuses what cannot be.
func TestProfile(t *testing.T) {
	hello := guest(t, "hello")
	file := filepath.Join(t.TempDir(), "hello.pprof")
	o := cabitrans(helloConf, "run", "--profile", file, "--profile-hz=1000", hello).run(t)
	if o != (outcome{stdout: helloText}) {
		t.Errorf("a run with a profile: %+v", o)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := profile.ParseData(b); err != nil || p.Period != int64(time.Millisecond) {
		t.Errorf("the profile: %v, %v", p, err)
	}
	const list = "; cabitrans help lists the flags\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--profile="}, `invalid value "" for flag -profile: it is the name of a file` + list},
		{[]string{"--profile=a", "--profile=b"}, `invalid value "b" for flag -profile: there can be only one profile` + list},
		{[]string{"--profile=/nowhere/file"}, "cannot write a profile to /nowhere/file: no such file or directory\n"},
		{[]string{"--profile-hz=10"}, "--profile-hz is for --profile, which was not given" + list},
		{[]string{"--profile-hz=1001"}, `invalid value "1001" for flag -profile-hz: it is a number from 1 to 1000, ` +
			"of samples in a second" + list},
		{[]string{"--profile-hz=0"}, `invalid value "0" for flag -profile-hz: it is a number from 1 to 1000, ` +
			"of samples in a second" + list},
	} {
		o := cabitrans(helloConf, append(append([]string{"run"}, c.args...), hello)...).run(t)
		if o != (outcome{stderr: "cabitrans: " + c.want, status: 127}) {
			t.Errorf("%q: %+v, want %q", c.args, o, c.want)
		}
	}
	o = cabitrans(helloConf, "run", "--profile", "/dev/full", hello).run(t)
	want := "cabitrans: the profile cannot be written: write /dev/full: no space left on device\n"
	if o != (outcome{stdout: helloText, stderr: want, status: 1}) {
		t.Errorf("to a full device: %+v", o)
	}
}

// TestInterruptedProfile interrupts a program that never ends: what was asked for is
// written all the same.
func TestInterruptedProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spin.pprof")
	conf := declare + "stdout: !fd stdout\nstderr: !fd stderr\n"
	cmd := prepared(t, conf, "run", "--profile", file, "--profile-hz=1000", "--perf-map", guest(t, "spin"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 1)) // it is under way
	time.Sleep(100 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says how it ended, as the state does
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
	if b, err := os.ReadFile(file); err != nil {
		t.Error(err)
	} else if p, err := profile.ParseData(b); err != nil || len(p.Sample) == 0 {
		t.Errorf("the profile: %v, %v", p, err)
	}
	path := fmt.Sprintf("/tmp/perf-%d.map", cmd.Process.Pid)
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), " guest_main\n") {
		t.Errorf("the map for perf is %q, %v", b, err)
	}
	_ = os.Remove(path)
}
