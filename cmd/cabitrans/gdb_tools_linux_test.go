package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestGDBWithTools: a debugger and what else watches a program do not disturb each other: breakpoints, steps and watchpoints
// are hit where they are, and what is written is what it is without a debugger.
func TestGDBWithTools(t *testing.T) {
	debuggerPath(t, "gdb")
	conf := debugConf + "threads: 0\n" // so that counts are always the same
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		flags []string // but for the file
		want  string   // in it, a number alike without a debugger
	}{
		{"strace", []string{"--strace=fd_write,proc_exit", "-o"}, `fd_write\(0, \[\{iov_base="debug ok total=55.*\n.*proc_exit\(3\)`},
		{"profile", []string{"--profile-hz=1000", "--profile"}, `^\x1f`},
		{"coverage", []string{"--coverage"}, `BB Table: \d+ bbs`}, // breakpoints split blocks,
		{"lines", []string{"--coverage-format=lcov", "--coverage"}, `(?s)DA:23,10\n.*DA:41,1\n`},
		{"counts", []string{"--count=blocks,insns,indirect,opcodes", "--count-output"}, `instructions executed: (\d+)`},
		{"log", []string{"-d", "in_asm,out_asm,blocks,links", "-D"}, `<add>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			alone, with := filepath.Join(dir, c.name), filepath.Join(dir, c.name+".gdb")
			args := append(append([]string{"run"}, c.flags...), alone, guest(t, "debug"))
			cabitrans(conf, args...).run(t).expect(t, outcome{debugDone, "", 3})
			s, o := gdbWith(t, append(c.flags, with), "debug", conf, true, "break add if b == 5", "continue", "backtrace", "stepi", "next",
				"finish", "watch counter", "continue", "print counter", "delete", "tbreak area", "continue", "stepi", "stepi", "continue")
			inOrder(t, s, `Breakpoint 1, add \(a=10, b=5\)`, `^#1 .* sum_to \(n=10\)`, `^0x\w+`, `return sum;`, `Value returned is \$1 = 15`,
				`^New value = 15`, `^\$2 = 15`, `Temporary breakpoint 3, area`, `exited with code 03`)
			o.expect(t, outcome{debugDone, "", 3})
			find := func(path string) []byte {
				b, err := os.ReadFile(path)
				m := regexp.MustCompile(c.want).FindSubmatch(b)
				if err != nil || m == nil {
					t.Fatalf("%s has no %s, %v:\n%.2000q", path, c.want, err, b)
				}
				return m[len(m)-1]
			}
			a, b := find(alone), find(with)
			n, err := strconv.Atoi(string(a))
			if err == nil && !bytes.Equal(a, b) {
				t.Errorf("%d without a debugger, and %s with one", n, b)
			}
		})
	}
}
