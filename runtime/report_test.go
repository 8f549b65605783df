package runtime_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/internal/golden"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// crashKinds are the ways of guests/prog/crash.c to end.
var crashKinds = []string{
	"segv", "segv-write", "segv-exec", "ro", "stack", "ud2", "int3", "privileged", "division", "sse",
	"wild", "noncanonical", "alias-jmp", "alias-call", "alias-mem", "alias-ret",
}

// TestReport compares what is written about every kind of fault with
// testdata/report/*.txt.
func TestReport(t *testing.T) {
	for _, how := range crashKinds {
		t.Run(how, func(t *testing.T) {
			r := guestRun{name: "crash", args: argdata.Map{text("how", how)}}.run(t)
			if r.exit.Fault == nil {
				t.Fatalf("no fault, but %+v", r.exit)
			}
			got := normal(r.exit.Fault.Report())
			golden.Check(t, filepath.Join("testdata", "report", how+".txt"), got)
		})
	}
}

// normal replaces what depends on where things lie and on how the program was
// compiled around the place of the fault.
func normal(report string) string {
	for _, r := range [][2]string{
		{`in thread \d+`, `in thread N`},
		{`0x[0-9a-f]+ (\w+)\+0x[0-9a-f]+ \(offset 0x[0-9a-f]+\)`, `ADDR $1+N (offset N)`},
		{`(\[[0-9a-f]{2} [0-9a-f]{2})( [0-9a-f]{2}){4,}\]`, `$1 …]`},
		{`-?0x[0-9a-f]+\(%rip\)`, `N(%rip)`},
		{`0x2([0-9a-f]{7})[0-9a-f]{8}\b`, `0x2${1}ADDR`}, // an alias of a function
		{`0x[56][0-9a-f]{7}\b`, `ADDR`},
		{`\b[0-9a-f]{16}\b`, `VALUE`},
		{`flags [0-9a-f]+ \[.*\]`, `flags VALUE [FLAGS]`},
		{`[0-9]{3,} times`, `N times`},
	} {
		report = regexp.MustCompile(r[0]).ReplaceAllString(report, r[1])
	}
	return report
}

// TestReportText checks every part of a report to the letter.
func TestReportText(t *testing.T) {
	at := func(addr uint64, symbol string, past uint64) runtime.Location {
		return runtime.Location{Addr: addr, Offset: addr - 0x1000, Inside: true, Symbol: symbol, Past: past}
	}
	const registers = "" +
		"  rax 0000000000000001 rbx 0000000000000004 rcx 0000000000000002 rdx 0000000000000003\n" +
		"  rsi 0000000000000007 rdi 0000000000000008 rbp 0000000000000006 rsp 0000000000000005\n" +
		"  r8  0000000000000009 r9  000000000000000a r10 000000000000000b r11 000000000000000c\n" +
		"  r12 000000000000000d r13 000000000000000e r14 000000000000000f r15 ffffffffffffffff\n" +
		"  flags ed7 [CF PF AF ZF SF DF OF]\n"
	base := runtime.Fault{
		Signal: abi.SIGSEGV, Thread: 7, Program: "bin/p", RIP: at(0x2345, "first", 5), Flags: 0xed7,
		Regs:   [16]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1<<64 - 1},
		Access: runtime.AccessRead, Addr: 0x10, Where: "the null page",
		Instruction: "mov (%rax),%al", Code: []byte{0x8a, 0x00},
		Backtrace: []runtime.Location{at(0x2400, "main", 0x10), at(0x2410, "", 0), {Addr: 0x77, Where: "a hole"}},
	}
	long := func(period, n int) (out []runtime.Location) {
		for i := range n {
			out = append(out, at(0x3000+uint64(i%period), "f", uint64(i%period)))
		}
		return out
	}
	for _, c := range []struct {
		name   string
		change func(*runtime.Fault)
		want   string // without registers
	}{
		{"everything", func(*runtime.Fault) {}, `bin/p: SIGSEGV in thread 7: read at 0x10, the null page
  rip 0x2345 first+0x5 (offset 0x1345)
      mov (%rax),%al  [8a 00]
  called from, by frame pointers:
      0x2400 main+0x10 (offset 0x1400)
      0x2410 (offset 0x1410)
      0x77 (a hole)
`},
		{"cause, note, no callers", func(f *runtime.Fault) {
			f.Signal, f.Access, f.Cause, f.Note, f.Backtrace = abi.SIGILL, runtime.AccessNone, "why", "beware", nil
		}, `bin/p: SIGILL in thread 7: why
  note: beware
  rip 0x2345 first+0x5 (offset 0x1345)
      mov (%rax),%al  [8a 00]
  no callers are known: the frame pointer leads nowhere
`},
		{"bus error, no instruction", func(f *runtime.Fault) {
			f.Signal, f.Access, f.Instruction, f.Backtrace = abi.SIGBUS, runtime.AccessWrite, "", long(1, 1)
		}, `bin/p: SIGBUS in thread 7: write at 0x10, where the object has no data (any more): the null page
  rip 0x2345 first+0x5 (offset 0x1345)
  called from, by frame pointers:
      0x3000 f+0x0 (offset 0x2000)
`},
		{"recursion", func(f *runtime.Fault) { f.Instruction, f.Backtrace = "", append(long(1, 500), long(2, 2)...) },
			`bin/p: SIGSEGV in thread 7: read at 0x10, the null page
  rip 0x2345 first+0x5 (offset 0x1345)
  called from, by frame pointers:
      0x3000 f+0x0 (offset 0x2000), 501 times
      0x3001 f+0x1 (offset 0x2001)
`},
		{"longest without a gap", func(f *runtime.Fault) { f.Instruction, f.Backtrace = "", long(25, 25) },
			"bin/p: SIGSEGV in thread 7: read at 0x10, the null page\n" +
				"  rip 0x2345 first+0x5 (offset 0x1345)\n  called from, by frame pointers:\n" + lines(0, 25)},
		{"a gap", func(f *runtime.Fault) { f.Instruction, f.Backtrace = "", long(26, 26) },
			"bin/p: SIGSEGV in thread 7: read at 0x10, the null page\n" +
				"  rip 0x2345 first+0x5 (offset 0x1345)\n  called from, by frame pointers:\n" +
				lines(0, 16) + "      … 2 callers …\n" + lines(18, 26)},
		{"more than is followed", func(f *runtime.Fault) { f.Instruction, f.Backtrace = "", long(1, 1<<16) },
			`bin/p: SIGSEGV in thread 7: read at 0x10, the null page
  rip 0x2345 first+0x5 (offset 0x1345)
  called from, by frame pointers:
      0x3000 f+0x0 (offset 0x2000), 65536 times
      … and more
`},
	} {
		f := base
		f.Backtrace = slices.Clone(base.Backtrace)
		c.change(&f)
		if got, want := f.Report(), c.want+registers; got != want {
			t.Errorf("%s: got:\n%swant:\n%s", c.name, got, want)
		}
	}
}

// lines are the lines of a backtrace for callers from to to-1 of TestReportText.
func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "      %#x f+%#x (offset %#x)\n", 0x3000+i, i, 0x2000+i)
	}
	return b.String()
}
