package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"cabitrans/runtime"
)

// profileFlags are those of run that tell where a program spends its time.
type profileFlags struct {
	output  string // empty for no profile
	hz      int    // 0 for the default
	perfMap bool
	jitDump bool
}

func (f *profileFlags) options() []option {
	return []option{
		fileOption("profile", &f.output, "profile", "sample where the program spends its CPU time, and write that to FILE "+
			"when it has ended or is interrupted, for go tool pprof; to FILE.PID in forked processes"),
		{name: "profile-hz", value: "N", set: f.setHz,
			help: fmt.Sprintf("take N samples in a second of each thread, 1 to %d; without it %d", runtime.MaxProfileHz,
				runtime.DefaultProfileHz)},
		toggle("perf-map", &f.perfMap, "when the program has ended or is interrupted, write /tmp/perf-PID.map, by which "+
			"perf names its functions"),
		toggle("jitdump", &f.jitDump, "when the program has ended or is interrupted, write jit-PID.dump in this directory, by "+
			"which perf inject --jit knows its functions and their translations"),
	}
}

func (f *profileFlags) setHz(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > runtime.MaxProfileHz {
		return fmt.Errorf("it is a number from 1 to %d, of samples in a second", runtime.MaxProfileHz)
	}
	f.hz = n
	return nil
}

// check refuses a rate of nothing.
func (f *profileFlags) check() error {
	if f.hz != 0 && f.output == "" {
		return errors.New("--profile-hz is for --profile, which was not given")
	}
	return nil
}

// open opens the files and makes c ask for what goes there.
func (f *profileFlags) open(c *runtime.Config) error {
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return fmt.Errorf("cannot write a profile to %s: %w", f.output, reason(err))
		}
		c.Profile = &runtime.Profile{To: file, Hz: f.hz, Forked: f.output}
	}
	if f.perfMap {
		// In /tmp whatever TMPDIR says: perf looks there.
		path := fmt.Sprintf("/tmp/perf-%d.map", os.Getpid())
		_ = os.Remove(path) // a former process's; O_EXCL says so if it stays
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("cannot write the map for perf to %s: %w", path, reason(err))
		}
		c.PerfMap = file
	}
	if f.jitDump {
		path := fmt.Sprintf("jit-%d.dump", os.Getpid())
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644) // to be mapped it must be readable
		if err != nil {
			return fmt.Errorf("cannot write the jitdump to %s: %w", path, reason(err))
		}
		c.JITDump = file
	}
	return nil
}
