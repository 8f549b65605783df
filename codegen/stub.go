package codegen

import (
	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
)

// A stub is one being assembled.
type stub struct {
	*assembly
	l      *Layout
	placed func(at uint64) // nil, or told of the address
	block  int16           // the register that holds the thread block's address; 0: that is the %gs base
}

// find makes the thread block's fields reachable, through register r where the %gs
// base is not the block. Nothing of the block may be named before.
func (s *stub) find(r int16) {
	if s.l.Cells.Block != 0 {
		s.op2(x86.AMOVQ, gs(s.l.Cells.Block), reg(r))
		s.block = r
	}
}

// field is the operand of a thread block's field.
func (s *stub) field(off int32) obj.Addr {
	if s.block == 0 {
		return gs(off)
	}
	return obj.Addr{Type: obj.TYPE_MEM, Reg: s.block, Offset: int64(off)}
}

// register is the field of a general register, by encoding.
func (s *stub) register(i int32) obj.Addr { return s.field(s.l.Regs + 8*i) }

// fetch copies a cell to the field that stands for it, through rcx: as, MOVL or MOVQ,
// is the size. Without a block cell they are the same word.
func (s *stub) fetch(as obj.As, cell, field int32) {
	if s.l.Cells.Block != 0 {
		s.op2(as, gs(cell), reg(x86.REG_CX))
		s.op2(as, reg(x86.REG_CX), s.field(field))
	}
}

// fetchSpills copies what rewritten code has borrowed registers to.
func (s *stub) fetchSpills() {
	for i, cell := range s.l.Cells.Spill {
		s.fetch(x86.AMOVQ, cell, s.l.Spill+8*int32(i))
	}
}

// give copies a field to its cell, through rax.
func (s *stub) give(field, cell int32) {
	if s.l.Cells.Block != 0 {
		s.op2(x86.AMOVQ, s.field(field), reg(x86.REG_AX))
		s.op2(x86.AMOVQ, reg(x86.REG_AX), gs(cell))
	}
}

// switchFS gives %fs the base in a field, where the strategy asks for that. It
// destroys rax, rcx, rsi, rdi and r11.
func (s *stub) switchFS(field int32) {
	const archPrctl, archSetFS = 158, 0x1002 // Linux, arch/x86
	switch s.l.Switch {
	case SwitchSyscall:
		s.op2(x86.AMOVL, imm(archPrctl), reg(x86.REG_AX))
		s.op2(x86.AMOVL, imm(archSetFS), reg(x86.REG_DI))
		s.op2(x86.AMOVQ, s.field(field), reg(x86.REG_SI))
		s.op(x86.ASYSCALL)
	case SwitchFSGSBase:
		s.op2(x86.AMOVQ, s.field(field), reg(x86.REG_AX))
		s.op2(x86.AWRFSBASEQ, reg(x86.REG_AX), obj.Addr{})
	}
}
