package runtime

import (
	"encoding/hex"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// mapped is guest memory with one writable page, at addr.
func mapped(t *testing.T, addr uint64) *memory.AddressSpace {
	t.Helper()
	space, err := host.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	mem, err := memory.New(space)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mem.Close(); err != nil {
			t.Error(err)
		}
	})
	rw := abi.ProtRead | abi.ProtWrite
	if _, err := mem.Map(memory.Request{Addr: addr, Len: abi.PageSize, Fixed: true, Prot: rw}); err != nil {
		t.Fatal(err)
	}
	return mem
}

// TestCause holds every sentence about a fault that is none of access. All
// registers are wild, but for rax, which is 0x1001, and rcx, which is 0; memory at
// cell holds 0, and a wild address 8 bytes later.
func TestCause(t *testing.T) {
	const wild, cell = 0x1234_0000_0000_5678, 0x1000_0000
	mem := mapped(t, cell)
	if err := mem.Store64(cell+8, wild); err != nil {
		t.Fatal(err)
	}
	p := &Process{mem: mem}

	const (
		forbidden = "an instruction that programs may not use"
		general   = "general protection fault"
		zero      = "division by zero"
		tooLarge  = "division whose quotient does not fit"
		floating  = "a floating-point exception that the program has unmasked"
	)
	for _, c := range []struct {
		name   string
		signal abi.Signal
		code   string // hexadecimal; empty when nothing valid could be decoded
		note   string
		want   string
	}{
		{"int3", abi.SIGTRAP, "cc", "", "breakpoint, just before rip"},
		{"ud2", abi.SIGILL, "0f0b", "", "a trap in the program, which compilers put where control must never come"},
		{"invalid", abi.SIGILL, "", "", "no valid instruction"},
		{"not built", abi.SIGILL, "90", "too hard", "an instruction that cannot be run"},
		{"refused by the CPU", abi.SIGILL, "62f17c48100540000000", "", "an instruction that this processor lacks or refuses"},
		{"div %rcx", abi.SIGFPE, "48f7f1", "", zero},
		{"div %eax", abi.SIGFPE, "f7f0", "", tooLarge},
		{"idiv %cl", abi.SIGFPE, "f6f9", "", zero},
		{"div %ch, by 0", abi.SIGFPE, "f6f5", "", zero},
		{"div %ah, by 0x10", abi.SIGFPE, "f6f4", "", tooLarge},
		{"div %spl", abi.SIGFPE, "40f6f4", "", tooLarge},
		{"divq cell", abi.SIGFPE, "48f73425" + "00000010", "", zero},
		{"divb cell+8", abi.SIGFPE, "f63425" + "08000010", "", tooLarge},
		{"divb cell+10", abi.SIGFPE, "f63425" + "0a000010", "", zero},
		{"divl %fs:0", abi.SIGFPE, "64f7342500000000", "", tooLarge},
		{"not %rcx", abi.SIGFPE, "48f7d1", "", floating},
		{"divpd", abi.SIGFPE, "660f5ec1", "", floating},
		{"fwait", abi.SIGFPE, "9b", "", floating},
		{"nothing", abi.SIGFPE, "", "", floating},
		{"hlt", abi.SIGSEGV, "f4", "", forbidden},
		{"int 0x80", abi.SIGSEGV, "cd80", "", forbidden},
		{"in", abi.SIGSEGV, "ec", "", forbidden},
		{"wrmsr", abi.SIGSEGV, "0f30", "", forbidden},
		{"mov %eax,%ds", abi.SIGSEGV, "8ed8", "", forbidden},
		{"iretq", abi.SIGSEGV, "48cf", "", forbidden},
		{"jmp *%rbx", abi.SIGSEGV, "ffe3", "", "jump to 0x1234000000005678, which is not a canonical address"},
		{"jmp *%rax", abi.SIGSEGV, "ffe0", "", general},
		{"jmp *cell+8", abi.SIGSEGV, "ff2425" + "08000010", "",
			"jump to 0x1234000000005678, which is not a canonical address"},
		{"call *%r12", abi.SIGSEGV, "41ffd4", "", "call to 0x1234000000005678, which is not a canonical address"},
		{"call *(%rbx)", abi.SIGSEGV, "ff13", "", "access at 0x1234000000005678, which is not a canonical address"},
		{"ret from nowhere", abi.SIGBUS, "c3", "",
			"access to the stack at 0x1234000000005678, which is not a canonical address"},
		{"push %rax", abi.SIGBUS, "50", "", "access to the stack at 0x1234000000005678, which is not a canonical address"},
		{"mov (%rbx,%rax,8)", abi.SIGSEGV, "488b04c3", "", "access at 0x123400000000d680, which is not a canonical address"},
		{"mov (%ebx)", abi.SIGSEGV, "67488b03", "", general},
		{"mov %fs:(%rbx)", abi.SIGSEGV, "64488b03", "", general},
		{"movaps (%rax)", abi.SIGSEGV, "0f2800", "",
			"access at 0x1001, which is not aligned to 16 bytes as this instruction needs"},
		{"movaps 15(%rax)", abi.SIGSEGV, "0f28400f", "", general},
		{"vmovdqa 15(%rax),%ymm0", abi.SIGSEGV, "c5fd6f400f", "",
			"access at 0x1010, which is not aligned to 32 bytes as this instruction needs"},
		{"movaps 0xff0(%rip)", abi.SIGSEGV, "0f2805f10f0000", "",
			"access at 0x4ff8, which is not aligned to 16 bytes as this instruction needs"},
		{"nothing", abi.SIGSEGV, "", "", general},
		{"other", abi.SIGXCPU, "90", "", "an exception of the processor"},
	} {
		f := &engine.Fault{RIP: 0x4000, Note: c.note}
		for r := range f.Regs {
			f.Regs[r] = wild
		}
		f.Regs[decode.RAX], f.Regs[decode.RCX] = 0x1001, 0
		var in *decode.Inst
		if c.code != "" {
			code, err := hex.DecodeString(c.code)
			in = new(decode.Inst)
			if err != nil || in.Decode(code, f.RIP) != nil || int(in.Len) != len(code) {
				t.Fatalf("%s: %s is not one instruction", c.name, c.code)
			}
		}
		if got := p.cause(f, c.signal, in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestStackLost: what is a fault of the stack, which here ends at lo.
func TestStackLost(t *testing.T) {
	const lo = 0x1000_0000
	mem := mapped(t, lo)
	p := &Process{mem: mem}
	for _, c := range []struct {
		name      string
		rsp, addr uint64
		want      bool
	}{
		{"push at the end", lo, lo - 8, true},
		{"large frame", lo - 0x3000, lo - 0x2000, true},
		{"null access at the end", lo, 0x10, false},
		{"far below", lo - 8, lo - 0x20000, false},
		{"stack in order", lo + 0x100, lo - 8, false},
		{"rsp is null", 0, 0xffff_ffff_ffff_fff8, true},
	} {
		f := &engine.Fault{Addr: c.addr, HasAddr: true, Write: true}
		f.Regs[decode.RSP] = c.rsp
		if got := p.stackLost(f); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFlagNames(t *testing.T) {
	if got := flagNames(0); got != "" {
		t.Errorf("no flags: %q", got)
	}
	for i, want := range strings.Fields("CF - PF - AF - ZF SF - - DF OF") {
		if got := flagNames(1 << i); got != strings.Trim(want, "-") {
			t.Errorf("bit %d: %q, want %q", i, got, want)
		}
	}
}
