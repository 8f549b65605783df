package codegen

import (
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

func TestDumpStubs(t *testing.T) {
	mem := make([]byte, 8192)
	b := NewBuffer(mem, 0x60000000)
	l := Layout{HostSP: 0x10000, HostBP: 0x10008, HostG: 0x10010, State: 0x10018, Kick: 0x1001c, Exit: 0x10020,
		ExitArg: 0x10024, Entry: 0x10028, MXCSR: 0x10058, HostMXCSR: 0x1005c, Regs: 0x10060, Flags: 0x100e8,
		Result: 0x10110, XSave: 0x10400, StateGuest: 1, ExitCall: 1, ExitLink: 2, ExitSyscall: 3, ExitTrap: 4, ExitAbort: 7,
		DefaultMXCSR: 0x1f80, HasAVX: true}
	s, err := MakeStubs(b, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	var sb strings.Builder
	for pc := 0; pc < b.Len(); {
		in, err := x86asm.Decode(b.Code(pc), 64)
		if err != nil {
			t.Fatalf("%#x: %v % x", pc, err, b.Code(pc)[:8])
		}
		sb.WriteString(x86asm.GNUSyntax(in, 0x60000000+uint64(pc), nil))
		sb.WriteByte('\n')
		pc += in.Len
	}
	t.Log(sb.String())
}
