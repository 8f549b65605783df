package codegen

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"cabitrans/internal/golden"
)

const testBase = 0x6000_0000

func testLayout() Layout {
	return Layout{
		HostSP: 0x10000, HostBP: 0x10008, HostG: 0x10010, State: 0x10018, Kick: 0x1001c, Exit: 0x10020,
		ExitArg: 0x10024, Entry: 0x10028, MXCSR: 0x10058, HostMXCSR: 0x1005c, Regs: 0x10060, Flags: 0x100e8,
		Result: 0x10110, XSave: 0x10400, Spill: 0x10038, FSBase: 0x10030, RIP: 0x100e0, RealFS: 0x10118, HostFS: 0x10120,
		Cells: Cells{
			Spill: [5]int32{0x10038, 0x10040, 0x10048, 0x10050, 0x10130}, FSBase: 0x10030, RIP: 0x100e0,
			ExitArg: 0x10024, Exit: 0x10020, Entry: 0x10028,
		},
		StateGuest: 1, StateLeaving: 2,
		ExitCall: 1, ExitLink: 2, ExitSyscall: 3, ExitTrap: 4, ExitAbort: 7,
		Clock: Clock{
			Func: 0x7ffc_0000_0000, ClockSP: 0x10140, Clocks: 0x10148,
			Pages: 0xc0_0000_0000, PageCount: 0x1000, Mask: 6, Write: 2, Return: testBase + 0x1000,
		},
		DefaultMXCSR: 0x1f80, Control: testBase + 0x1008, HasAVX: true, HasInUse: true, Restore: 0x10138, Args: 0x10150,
	}
}

// TestStubs compares every instruction of the stubs with a golden listing, which
// a reader can check against the register contract.
func TestStubs(t *testing.T) {
	cells := testLayout()
	cells.Cells = Cells{
		Block: 8, Scratch: 16, Spill: [5]int32{24, 32, 40, 48, 104},
		FSBase: 56, RIP: 64, ExitArg: 72, Exit: 80, Entry: 88,
	}
	windows := cells
	windows.Clock.Func = 0
	windows.Clock.Counter, windows.Clock.SystemTime, windows.Clock.CounterNS = 0x1_7000_0000, 0x1_7000_1000, 100
	syscall, wrfsbase := testLayout(), testLayout()
	syscall.Switch, wrfsbase.Switch = SwitchSyscall, SwitchFSGSBase
	syscall.Clock, wrfsbase.Clock = Clock{}, Clock{}
	plain := testLayout()
	plain.HasAVX, plain.HasInUse, plain.Clock, plain.Control = false, false, Clock{}, 0
	for _, c := range []struct {
		name   string
		layout Layout
	}{
		{"stubs", testLayout()}, {"stubs-plain", plain}, {"stubs-cells", cells}, {"stubs-windows", windows},
		{"stubs-arch_prctl", syscall}, {"stubs-wrfsbase", wrfsbase},
	} {
		t.Run(c.name, func(t *testing.T) { testStubs(t, c.name, c.layout) })
	}
}

func testStubs(t *testing.T, name string, layout Layout) {
	b := NewBuffer(make([]byte, 8192), testBase)
	s, err := MakeStubs(b, layout)
	if err != nil {
		t.Fatal(err)
	}
	names := map[uint64]string{
		s.EnterFull: "enter full", s.EnterReturn: "enter return", s.ExitLink: "exit link",
		s.ExitSyscall: "exit syscall", s.ExitTrap: "exit trap", s.ExitCall: "exit call",
		s.FaultExit: "fault exit", s.Abort: "abort",
	}
	if c := s.Clock; c.Entry != 0 {
		names[c.Entry], names[c.Store], names[c.Lo], names[c.Redo] = "clock", "store", "in the guest again", "redo"
	}
	var out strings.Builder
	for _, l := range listing(t, b.Code(0)) {
		if l.text == "nop" || strings.HasPrefix(l.text, "nopl") || strings.HasPrefix(l.text, "nopw") || strings.HasSuffix(l.text, "nop") {
			continue
		}
		if n := names[l.pc]; n != "" {
			fmt.Fprintf(&out, "\n%s:\n", n)
		}
		fmt.Fprintf(&out, "\t%s\n", l.text)
	}
	golden.Check(t, filepath.Join("testdata", name+".txt"), out.String())
	for pc, n := range names {
		in := pc >= s.ExitLo && pc < s.ExitHi
		if strings.HasPrefix(n, "enter") {
			in = pc >= s.EnterLo && pc < s.EnterHi
		}
		if !in {
			t.Errorf("%s at %#x is outside its range", n, pc)
		}
	}
}

type line struct {
	pc   uint64
	text string
}

func listing(t *testing.T, code []byte) (out []line) {
	t.Helper()
	for pc := 0; pc < len(code); {
		at := testBase + uint64(pc)
		// x86asm takes vzeroupper for something longer.
		if bytes.HasPrefix(code[pc:], []byte{0xc5, 0xf8, 0x77}) {
			out = append(out, line{at, "vzeroupper"})
			pc += 3
			continue
		}
		// It knows no %gs before a VEX prefix, and takes some of that for one.
		vex, segment := bytes.HasPrefix(code[pc:], []byte{0x65, 0xc4}), 0
		if vex {
			segment = 1
		}
		vex = vex || code[pc] == 0xc4
		in, err := x86asm.Decode(code[pc+segment:], 64)
		if err != nil || in.Op == 0 {
			t.Fatalf("%#x: %v in % x", at, err, code[pc:min(pc+15, len(code))])
		}
		text := x86asm.GNUSyntax(in, at, nil)
		if vex {
			text = strings.Replace(text, "%gs:", "", 1)
			if segment == 1 {
				text = strings.Replace(text, "0x10", "%gs:0x10", 1)
			}
		}
		out = append(out, line{at, text})
		pc += segment + in.Len
	}
	return out
}
