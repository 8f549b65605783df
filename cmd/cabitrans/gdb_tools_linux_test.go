package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// TestGDBWithTools: a debugger and what else watches a program do not disturb each other: breakpoints, steps and watchpoints
// are hit where they are, and what is written is what it is without a debugger.
func TestGDBWithTools(t *testing.T) {
	toolPath(t, "gdb")
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

// trapFlag are instructions that set the trap flag, and one that is trapped behind.
var trapFlag = []byte{
	0x9c,                               // pushfq
	0x81, 0x0c, 0x24, 0x00, 0x01, 0, 0, // orl $0x100,(%rsp)
	0x9d,       // popfq
	0x90, 0x90, // nop; nop
}

// TestGDBTrapFlag: a program that sets the trap flag itself gets its SIGTRAP behind the next instruction, also when it is
// stepped through, and a step is not taken for one.
func TestGDBTrapFlag(t *testing.T) {
	b := exitAt(0x2000_0000, func(_ *elf.Header64, p *[]elf.Prog64) {
		(*p)[0].Filesz += uint64(len(trapFlag))
		(*p)[0].Memsz = (*p)[0].Filesz
	})
	program := filepath.Join(t.TempDir(), "trap")
	if err := os.WriteFile(program, slices.Concat(b[:headerSize], trapFlag, exitCode), 0o777); err != nil {
		t.Fatal(err)
	}
	entry := 0x2000_0000 + headerSize
	at := func(offset int) string { return fmt.Sprintf(`\(void \(\*\)\(\)\) %#x`, entry+offset) }
	for _, c := range []struct {
		name     string
		commands []string
		want     []string
		status   int
	}{
		{"goes on", []string{"continue", "print $pc", "continue"}, []string{"received signal SIGTRAP", at(10), "exited with code 052"}, 42},
		{"ends", []string{"continue", "print $pc", "signal SIGTRAP"}, []string{"received signal SIGTRAP", at(10), "terminated with signal SIGTRAP"}, 133},
		{"steps", []string{"stepi 3", "print $pc", "stepi", "print $pc", "stepi", "print $pc", "continue"},
			[]string{at(9), at(10), at(11), "exited with code 052"}, 42},
	} {
		s, o := gdb(t, program, "null", false, c.commands...)
		inOrder(t, s, c.want...)
		if o.status != c.status {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
}
