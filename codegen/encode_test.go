package codegen

import (
	"bytes"
	"testing"

	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
	"golang.org/x/arch/x86/x86asm"
)

// TestEncode holds every instruction of the encoder against its text, over all
// registers where it has any.
func TestEncode(t *testing.T) {
	r := func(f func(b *Buffer, r Reg)) func(*Buffer) {
		return func(b *Buffer) { f(b, R11) }
	}
	for _, c := range []struct {
		emit func(*Buffer)
		hex  []byte
		text string
	}{
		{r(func(b *Buffer, r Reg) { b.StoreGS(0x10038, r) }), []byte{0x65, 0x4c, 0x89, 0x1c, 0x25, 0x38, 0, 1, 0}, "mov %r11,%gs:0x10038"},
		{r(func(b *Buffer, r Reg) { b.LoadGS(r, 0x10038) }), []byte{0x65, 0x4c, 0x8b, 0x1c, 0x25, 0x38, 0, 1, 0}, "mov %gs:0x10038,%r11"},
		{r(func(b *Buffer, r Reg) { b.LoadGS32(r, 0x10038) }), nil, "mov %gs:0x10038,%r11d"},
		{func(b *Buffer) { b.StoreImmGS32(0x10024, 7) }, nil, "movl $0x7,%gs:0x10024"},
		{func(b *Buffer) { b.StoreImmGS(0x10024, -7) }, nil, "movq $-0x7,%gs:0x10024"},
		{func(b *Buffer) { b.Move(R11, RCX) }, nil, "mov %rcx,%r11"},
		{func(b *Buffer) { b.Move(RCX, R11) }, nil, "mov %r11,%rcx"},
		{func(b *Buffer) { b.Move32(R11, R11) }, nil, "mov %r11d,%r11d"},
		{func(b *Buffer) { b.Move32(RDX, RSP) }, nil, "mov %esp,%edx"},
		{r((*Buffer).ByteSwap), nil, "bswap %r11"},
		{r((*Buffer).Not), nil, "not %r11"},
		{r((*Buffer).TestUpper), []byte{0x49, 0xf7, 0xc3, 0, 0, 0, 0x80}, "test $-0x80000000,%r11"},
		{func(b *Buffer) { b.TestUpper(RAX) }, nil, "test $-0x80000000,%rax"},
		{func(b *Buffer) { b.JumpCondShort(CondNE); b.PutRel8(b.Len()) }, nil, "jne 0x60000002"},
		{func(b *Buffer) { b.LoadByte(R11, R11, 0x10001) }, nil, "movzbl 0x10001(%r11),%r11d"},
		{func(b *Buffer) { b.LoadByte(RAX, RCX, -1) }, nil, "movzbl 0xffffffff(%rcx),%eax"},
		{func(b *Buffer) { b.LoadStack32(R11, 4) }, nil, "mov 0x4(%rsp),%r11d"},
		{func(b *Buffer) { b.AddRSP(8) }, nil, "lea 0x8(%rsp),%rsp"},
		{func(b *Buffer) { b.AddRSP(0x1000) }, nil, "lea 0x1000(%rsp),%rsp"},
		{func(b *Buffer) { b.PushImm(0x123456) }, nil, "pushq $0x123456"},
		{func(b *Buffer) { b.CompareStack(0x123456) }, nil, "cmpq $0x123456,(%rsp)"},
		{r((*Buffer).Pop), nil, "pop %r11"},
		{func(b *Buffer) { b.Pop(RBX) }, nil, "pop %rbx"},
		{func(b *Buffer) { b.AddReg(RSI, R13) }, nil, "lea (%rsi,%r13),%rsi"},
		{func(b *Buffer) { b.JumpTable(0x70000000, RCX) }, nil, "jmpq *0x70000000(,%rcx,8)"},
		{func(b *Buffer) { b.JumpTable(0x70000000, R12) }, nil, "jmpq *0x70000000(,%r12,8)"},
		{func(b *Buffer) { b.PushTable(0x70000000, R11) }, nil, "pushq 0x70000000(,%r11,8)"},
		{func(b *Buffer) { b.LoadTable(R11, 0x70000000, R11) }, nil, "mov 0x70000000(,%r11,8),%r11"},
		{func(b *Buffer) { b.LoadTable(RDX, 0x70000000, R13) }, nil, "mov 0x70000000(,%r13,8),%rdx"},
		{func(b *Buffer) { b.CallTable(0x70000100, R11) }, nil, "callq *0x70000100(,%r11,8)"},
		{func(b *Buffer) { b.CallTable(0x70000100, RDX) }, nil, "callq *0x70000100(,%rdx,8)"},
		{func(b *Buffer) { b.CallBasedTable(0x70000000, R11, RAX) }, nil, "callq *0x70000000(%r11,%rax,8)"},
		{func(b *Buffer) { b.CallBasedTable(0x70000000, RBX, R13) }, nil, "callq *0x70000000(%rbx,%r13,8)"},
		{func(b *Buffer) { b.CallGS(0x10038) }, nil, "callq *%gs:0x10038"},
		{func(b *Buffer) { b.LoadWord(R11, R11, 0x10001) }, nil, "mov 0x10001(%r11),%r11"},
		{func(b *Buffer) { b.LoadWord(RDX, R9, -1) }, nil, "mov 0xffffffff(%r9),%rdx"},
		{func(b *Buffer) { b.StoreWord(R9, -8, RDX) }, nil, "mov %rdx,0xfffffff8(%r9)"},
		{func(b *Buffer) { b.AddLea(R11, 0x7ffffff0) }, nil, "lea 0x7ffffff0(%r11),%r11"},
		{func(b *Buffer) { b.TripleLea(R11, 0x78000000) }, nil, "lea 0x78000000(%r11,%r11,2),%r11"},
		{func(b *Buffer) { b.TripleLea(RDX, -8) }, nil, "lea 0xfffffff8(%rdx,%rdx,2),%rdx"},
		{func(b *Buffer) { b.LoadImm(RSI, 0xffffffff) }, []byte{0xbe, 0xff, 0xff, 0xff, 0xff}, "mov $-0x1,%esi"},
		{func(b *Buffer) { b.LoadImm(R9, 5) }, nil, "mov $0x5,%r9d"},
		{func(b *Buffer) { b.LoadImm(R9, 1<<32) }, nil, "mov $0x100000000,%r9"},
		{func(b *Buffer) { b.LoadSelf(RBP) }, nil, "mov (%rbp),%rbp"},
		{func(b *Buffer) { b.JumpGS(0x10038) }, nil, "jmpq *%gs:0x10038"},
		{func(b *Buffer) { b.Return() }, []byte{0xc3}, "retq"},
		{func(b *Buffer) { b.Trap() }, []byte{0x0f, 0x0b}, "ud2"},
		{func(b *Buffer) { b.Jump(testBase) }, []byte{0xe9, 0xfb, 0xff, 0xff, 0xff}, "jmpq 0x60000000"},
		{func(b *Buffer) { b.Call(testBase) }, nil, "callq 0x60000000"},
		{func(b *Buffer) { b.JumpCond(5, testBase) }, nil, "jne 0x60000000"},
	} {
		b := NewBuffer(make([]byte, 64), testBase)
		c.emit(b)
		got := b.Code(0)
		if c.hex != nil && !bytes.Equal(got, c.hex) {
			t.Errorf("%s: % x, want % x", c.text, got, c.hex)
		}
		in, err := x86asm.Decode(got, 64)
		if err != nil || in.Len != len(got) {
			t.Errorf("%s: % x: %v, %d bytes", c.text, got, err, in.Len)
			continue
		}
		if text := x86asm.GNUSyntax(in, testBase, nil); text != c.text {
			t.Errorf("% x is %q, want %q", got, text, c.text)
		}
	}
}

// TestEncodeOracle compares with golang-asm over all registers.
func TestEncodeOracle(t *testing.T) {
	compare := func(name string, as obj.As, from, to obj.Addr, emit func(*Buffer)) {
		t.Helper()
		want, err := assemble(func(a *assembly) { a.op2(as, from, to) })
		if err != nil {
			t.Fatal(err)
		}
		b := NewBuffer(make([]byte, 64), testBase)
		emit(b)
		if !bytes.Equal(b.Code(0), want) {
			t.Errorf("%s: % x, golang-asm says % x", name, b.Code(0), want)
		}
	}
	for i, gr := range generalRegs {
		r := Reg(i)
		compare("StoreGS", x86.AMOVQ, reg(gr), gs(0x10040), func(b *Buffer) { b.StoreGS(0x10040, r) })
		compare("LoadGS", x86.AMOVQ, gs(0x10040), reg(gr), func(b *Buffer) { b.LoadGS(r, 0x10040) })
		compare("LoadGS32", x86.AMOVL, gs(0x10040), reg(gr), func(b *Buffer) { b.LoadGS32(r, 0x10040) })
		compare("ByteSwap", x86.ABSWAPQ, obj.Addr{}, reg(gr), func(b *Buffer) { b.ByteSwap(r) })
		compare("Not", x86.ANOTQ, obj.Addr{}, reg(gr), func(b *Buffer) { b.Not(r) })
		compare("Pop", x86.APOPQ, obj.Addr{}, reg(gr), func(b *Buffer) { b.Pop(r) })
		compare("LoadStack32", x86.AMOVL, obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_SP, Offset: 4}, reg(gr),
			func(b *Buffer) { b.LoadStack32(r, 4) })
		for j, gs := range generalRegs {
			s := Reg(j)
			compare("Move", x86.AMOVQ, reg(gs), reg(gr), func(b *Buffer) { b.Move(r, s) })
			compare("Move32", x86.AMOVL, reg(gs), reg(gr), func(b *Buffer) { b.Move32(r, s) })
			if s != RSP && s != R12 {
				compare("LoadByte", x86.AMOVBLZX, obj.Addr{Type: obj.TYPE_MEM, Reg: gs, Offset: 0x10001}, reg(gr),
					func(b *Buffer) { b.LoadByte(r, s, 0x10001) })
			}
		}
	}
}

func TestAlignRel32(t *testing.T) {
	for _, base := range []uint64{testBase, testBase + 1, testBase + 2, testBase + 3} {
		for n := range 7 {
			b := NewBuffer(make([]byte, 64), base)
			b.AlignRel32(n)
			if (b.PC()+uint64(n))%4 != 0 {
				t.Errorf("base %#x, displacement after %d bytes: at %#x", base, n, b.PC()+uint64(n))
			}
		}
	}
}

func TestPatchRel32(t *testing.T) {
	b := NewBuffer(make([]byte, 64), testBase)
	b.AlignRel32(1)
	pos := uint32(b.Len() + 1)
	b.Jump(testBase + 0x1000)
	mem := b.Code(0)[:64]
	PatchRel32(mem, testBase, pos, testBase+0x2000)
	in, err := x86asm.Decode(mem[pos-1:], 64)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := x86asm.GNUSyntax(in, testBase+uint64(pos)-1, nil), "jmpq 0x60002000"; got != want {
		t.Errorf("patched to %s, want %s", got, want)
	}
}

func BenchmarkStubs(b *testing.B) {
	mem := make([]byte, 8192)
	for b.Loop() {
		if _, err := MakeStubs(NewBuffer(mem, testBase), testLayout()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	buf := NewBuffer(make([]byte, 64), testBase)
	for b.Loop() {
		buf.Truncate(0)
		buf.StoreGS(0x10038, R11)
		buf.JumpTable(0x70000000, RCX)
	}
}
