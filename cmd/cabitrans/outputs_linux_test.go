package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOutputs: what a tool writes to may be full, missing or no file. It is said in a sentence; the program, once it runs,
// does what it does.
func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		flags        []string // the last of which takes a file
		cannot, full string
	}{
		{[]string{"--strace", "-o"}, "write system calls to", "system calls can no longer be written down"},
		{[]string{"--strace", "-c", "-o"}, "write system calls to", "system calls can no longer be written down"},
		{[]string{"-d", "in_asm,out_asm,blocks,links", "-D"}, "write translations to", "translations cannot be written down"},
		{[]string{"--profile"}, "write a profile to", "the profile cannot be written"},
		{[]string{"--coverage"}, "write coverage to", "the coverage cannot be written"},
		{[]string{"--coverage-format=lcov", "--coverage"}, "write coverage to", "the coverage cannot be written"},
		{[]string{"--count=blocks,insns,indirect,opcodes", "--count-output"}, "write counts to", "the counts cannot be written"},
	} {
		run := func(file string) outcome {
			return cabitrans(trailConf("end"), append(append([]string{"run"}, c.flags...), file, guest(t, "trail"))...).run(t)
		}
		good := run("/dev/null")
		if good.status != 0 || good.stderr != "" {
			t.Errorf("%q: %+v", c.flags, good)
		}
		run("/dev/full").expect(t, outcome{good.stdout, "cabitrans: " + c.full + ": write /dev/full: no space left on device\n", 1})
		for file, why := range map[string]string{
			"/no/such/file": "no such file or directory", "/dev": "is a directory", "/dev/null/x": "not a directory",
		} {
			run(file).expect(t, outcome{"", "cabitrans: cannot " + c.cannot + " " + file + ": " + why + "\n", exitLaunch})
		}
	}
}

// TestOutputsDiffer: no tool writes over what another has written.
func TestOutputsDiffer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct{ first, second []string }{
		{[]string{"--strace", "-o"}, []string{"--profile"}},
		{[]string{"-d", "in_asm", "-D"}, []string{"--coverage"}},
		{[]string{"--profile"}, []string{"--count=blocks", "--count-output"}},
	} {
		run := func(file, same string) outcome {
			args := append(append([]string{"run"}, c.first...), file)
			return cabitrans(trailConf("end"), append(append(append(args, c.second...), same), guest(t, "trail"))...).run(t)
		}
		first, second := c.first[len(c.first)-1], c.second[len(c.second)-1]
		run(file, filepath.Dir(file)+"/./out").expect(t, outcome{"", "cabitrans: " + first + " and " + second + " both name " +
			filepath.Dir(file) + "/./out: give each a file of its own\n", exitLaunch})
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s was made", file)
		}
		if o := run("/dev/null", "/dev/null"); o.status != 0 {
			t.Errorf("%+v", o)
		}
	}
}
