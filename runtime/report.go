package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/ehframe"
)

// String is the place as people write it: address, symbol, offset in the program.
func (l Location) String() string {
	switch {
	case l.Symbol != "":
		return fmt.Sprintf("%#x %s+%#x (offset %#x)", l.Addr, l.Symbol, l.Past, l.Offset)
	case l.Inside:
		return fmt.Sprintf("%#x (offset %#x)", l.Addr, l.Offset)
	case l.Where != "":
		return fmt.Sprintf("%#x (%s)", l.Addr, l.Where)
	}
	return fmt.Sprintf("%#x", l.Addr)
}

var regNames = [16]string{
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
}

// regOrder is how registers are shown, by encoding.
var regOrder = [16]int{0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15}

// Report is the fault in words: a sentence, then the details, in lines that end
// with a line break.
//
//	hello: SIGSEGV in thread 4711: read at 0x10, the null page, where nothing is ever mapped
//	  rip 0x5fffbe6f first+0x1f (offset 0x1e6f)
//	      mov 0x10,%eax  [8b 04 25 10 00 00 00]
//	  called from, by frame pointers, or by unwind tables:
//	      0x5fffbe39 main+0x9 (offset 0x1e39)
//	  rax …
//
// Offsets are addresses of the executable file, as symbolizers take them; those
// of callers are return addresses.
func (f *Fault) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v in thread %d: %s\n", f.Program, f.Signal, f.Thread, f.summary())
	if f.Note != "" {
		fmt.Fprintf(&b, "  note: %s\n", f.Note)
	}
	fmt.Fprintf(&b, "  rip %v\n", f.RIP)
	if f.Instruction != "" {
		fmt.Fprintf(&b, "      %s  [% x]\n", f.Instruction, f.Code)
	}
	f.reportBacktrace(&b)
	for i, r := range regOrder {
		if i%4 == 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, " %-3s %016x", regNames[r], f.Regs[r])
		if i%4 == 3 {
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "  flags %x [%s]\n", f.Flags, flagNames(f.Flags))
	return b.String()
}

// summary says what went wrong.
func (f *Fault) summary() string {
	switch {
	case f.Access == AccessNone:
		return f.Cause
	case f.Signal == abi.SIGBUS:
		return fmt.Sprintf("%s at %#x, where the object has no data (any more): %s", f.Access, f.Addr, f.Where)
	}
	return fmt.Sprintf("%s at %#x, %s", f.Access, f.Addr, f.Where)
}

// Of a long backtrace a report shows so many lines of both ends.
const (
	innerLines = 16
	outerLines = 8
)

func (f *Fault) reportBacktrace(b *strings.Builder) {
	if len(f.Backtrace) == 0 {
		b.WriteString("  no callers are known: the frame pointer leads nowhere\n")
		return
	}
	type line struct {
		at    Location
		times int
	}
	var lines []line
	for _, l := range f.Backtrace {
		if n := len(lines); n > 0 && lines[n-1].at == l {
			lines[n-1].times++
			continue
		}
		lines = append(lines, line{l, 1})
	}
	left := 0
	if n := len(lines); n > innerLines+outerLines+1 {
		for _, l := range lines[innerLines : n-outerLines] {
			left += l.times
		}
		lines = slices.Delete(lines, innerLines, n-outerLines)
	}
	fmt.Fprintf(b, "  called from, by %s:\n", cmp.Or(f.By, ehframe.ByFramePointers.String()))
	for i, l := range lines {
		if left > 0 && i == innerLines {
			fmt.Fprintf(b, "      … %d callers …\n", left)
		}
		fmt.Fprintf(b, "      %v", l.at)
		if l.times > 1 {
			fmt.Fprintf(b, ", %d times", l.times)
		}
		b.WriteString("\n")
	}
	if len(f.Backtrace) == maxFrames {
		b.WriteString("      … and more\n")
	}
}

// flagNames lists the status flags that are set (AMD64 manual, volume 1, 3.1.4).
func flagNames(v uint64) string {
	var set []string
	for _, f := range [...]struct {
		bit  uint
		name string
	}{{0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {10, "DF"}, {11, "OF"}} {
		if v>>f.bit&1 != 0 {
			set = append(set, f.name)
		}
	}
	return strings.Join(set, " ")
}
