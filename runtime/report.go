package runtime

import (
	"fmt"
	"strings"

	"cabitrans/runtime/abi"
)

// String is the place as people write it: symbol, offset in the program, address.
func (l Location) String() string {
	switch {
	case l.Symbol != "":
		return fmt.Sprintf("%#x %s+%#x (offset %#x)", l.Addr, l.Symbol, l.Past, l.Offset)
	case l.Inside:
		return fmt.Sprintf("%#x (offset %#x)", l.Addr, l.Offset)
	}
	return fmt.Sprintf("%#x", l.Addr)
}

var faultNames = map[abi.Signal]string{
	abi.SIGSEGV: "invalid memory access",
	abi.SIGBUS:  "access beyond the end of a mapped object, or misaligned",
	abi.SIGFPE:  "arithmetic error",
	abi.SIGILL:  "illegal instruction",
	abi.SIGTRAP: "breakpoint",
}

var regNames = [16]string{
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
}

// regOrder is how registers are shown, by encoding.
var regOrder = [16]int{0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15}

// Report is the fault in words, several lines that end with a line break.
func (f *Fault) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v (%s) in thread %d\n", f.Program, f.Signal, faultNames[f.Signal], f.Thread)
	if f.Access != AccessNone {
		fmt.Fprintf(&b, "  %s at %#x: %s\n", f.Access, f.Addr, f.Where)
	}
	fmt.Fprintf(&b, "  rip %v\n", f.RIP)
	if f.Instruction != "" {
		fmt.Fprintf(&b, "      %s\n", f.Instruction)
	}
	if f.Note != "" {
		fmt.Fprintf(&b, "  note: %s\n", f.Note)
	}
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
	if len(f.Backtrace) > 0 {
		b.WriteString("  called from, by frame pointers:\n")
	}
	for _, l := range f.Backtrace {
		fmt.Fprintf(&b, "    %v\n", l)
	}
	return b.String()
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
