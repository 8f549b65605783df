package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// moving emits an instruction with an operand in %fs when the base is the
// guest's own. Two registers that the instruction does not touch are borrowed:
// one gets the operand's offset, computed by lea with the operand's own address
// size, the other the base; the operand becomes their sum.
//
// The plain load, which is what compilers emit, needs no scratch: its
// destination holds the base on the way.
func (r *Rewriter) moving(in *decode.Inst, code []byte) {
	switch {
	case in.Class&(decode.ClassString|decode.ClassVSIB|decode.ClassImplicitSeg) != 0,
		in.Enc == decode.EncEVEX, in.Enc == decode.EncXOP, in.Enc == decode.EncVEX2,
		in.Moffs, !in.HasMem, in.Class&decode.ClassStackImplicit != 0:
		r.Trap(in.PC, TrapUnsupported)
	case plainLoad(in):
		r.movingLoad(in)
	default:
		r.movingOperand(in, code)
	}
}

// plainLoad reports mov %fs:disp, %reg64, behind whatever padding prefixes.
func plainLoad(in *decode.Inst) bool {
	return in.Enc == decode.EncLegacy && in.OpMap == 0 && in.Opcode == 0x8b && in.OpSize == 8 &&
		in.Base == decode.NoReg && in.Index == decode.NoReg && in.AddrSize == 8 && in.Reg() != decode.RSP
}

func (r *Rewriter) movingLoad(in *decode.Inst) {
	b, dst := r.Hot, codegen.Reg(in.Reg())
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[1], dst)
	r.mark(0, 0)
	b.LoadGS(dst, r.Fields.FSBase)
	r.borrowed(FixReg1, dst, 0)
	b.Bytes(0x48|byte(dst>>3)<<2|byte(dst>>3), 0x8b, 0x80|byte(dst&7)<<3|byte(dst&7))
	if dst&7 == 4 {
		b.Bytes(0x24)
	}
	b.U32(uint32(in.Disp))
}

func (r *Rewriter) borrowed(fix Fix, r1, r2 codegen.Reg) {
	r.HotMarks = append(r.HotMarks, Mark{
		Host: uint32(r.Hot.PC() - r.CacheBase), Guest: uint32(r.pc), Fix: fix, Reg1: uint8(r1), Reg2: uint8(r2),
	})
}

func (r *Rewriter) movingOperand(in *decode.Inst, code []byte) {
	b := r.Hot
	r1, r2, ok := scratch(in)
	if !ok {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[1], r1)
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[2], r2)
	r.mark(0, 0)
	r.loadAddress(in, code, r1)
	r.borrowed(FixReg1, r1, r2)
	b.LoadGS(r2, r.Fields.FSBase)
	r.borrowed(FixReg1|FixReg2, r1, r2)
	r.emitWithOperand(in, code, r1, r2)
	// The instruction has been executed: the boundary is the next one.
	r.pc = in.End()
	r.borrowed(FixReg1|FixReg2, r1, r2)
	b.LoadGS(r1, r.Fields.Spill[1])
	r.borrowed(FixReg2, r1, r2)
	b.LoadGS(r2, r.Fields.Spill[2])
}

// scratch picks two registers among the eight legacy ones, so that no REX bit
// is needed and 8-bit operands keep their meaning, which the instruction does
// not name; rsp is never one.
func scratch(in *decode.Inst) (r1, r2 codegen.Reg, ok bool) {
	used := in.Reads | in.Writes | 1<<decode.RSP
	found := 0
	for _, c := range [...]codegen.Reg{codegen.RSI, codegen.RDI, codegen.RBX, codegen.RBP, codegen.RCX, codegen.RDX, codegen.RAX} {
		if used>>c&1 == 0 {
			if found == 0 {
				r1 = c
			} else {
				return r1, c, true
			}
			found++
		}
	}
	return 0, 0, false
}

// memEnd is the offset behind the memory operand: of the immediate, if any.
func memEnd(in *decode.Inst) uint8 {
	if in.ImmLen > 0 {
		return uint8(in.ImmOff)
	}
	return in.Len
}

// loadAddress emits lea operand, %dst without the segment.
func (r *Rewriter) loadAddress(in *decode.Inst, code []byte, dst codegen.Reg) {
	b := r.Hot
	if in.AddrSize == 4 {
		b.Bytes(0x67)
	}
	r.operand(in, code, 0x40|decode.RexW, 0x8d, dst)
}

// emitWithOperand emits in with its memory operand replaced by (%base,%index,1),
// both legacy registers, in no segment.
func (r *Rewriter) emitWithOperand(in *decode.Inst, code []byte, base, index codegen.Reg) {
	b := r.Hot
	for i := 0; i < int(in.ModRMOff); i++ {
		c := code[i]
		prefix := i < int(in.OpOff) && (in.RexOff < 0 || i < int(in.RexOff))
		switch {
		case prefix && (c == 0x64 || c == 0x65 || c == 0x67 || c&0xf0 == 0x40):
			// A REX prefix among the others is ignored, and must not become the last.
			continue
		case i == int(in.RexOff) && in.Enc == decode.EncLegacy:
			c &^= decode.RexX | decode.RexB
		case i == int(in.RexOff)+1 && in.Enc == decode.EncVEX3:
			c |= 0x60 // X and B are stored inverted
		}
		b.Bytes(c)
	}
	// disp8 form: base rbp has none without displacement.
	b.Bytes(0x44|in.ModRM&0x38, byte(index&7)<<3|byte(base&7), 0)
	b.Copy(code[memEnd(in):in.Len])
}
