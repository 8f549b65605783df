package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// moving emits an instruction with an operand in %fs or %gs when no segment of the
// host has that base.
//
// The plain load, which is what compilers emit, needs no scratch: its
// destination holds the base on the way. String instructions and xlat, whose
// addresses are registers that they change or add up, and bit strings with 32-bit
// addresses are left to the runtime.
func (r *Rewriter) moving(in *decode.Inst, code []byte) {
	switch {
	case in.Class&decode.ClassString != 0, isXlat(in), in.Class&decode.ClassStringAddr != 0 && in.AddrSize == 4:
		r.Trap(in.PC, TrapString)
	case in.Class&decode.ClassVSIB != 0 && in.AddrSize == 4:
		r.Trap(in.PC, TrapGather)
	case plainLoad(in):
		r.movingLoad(in)
	default:
		r.byAddress(in, code)
	}
}

// base is the cell that holds the base of in's segment.
func (r *Rewriter) base(in *decode.Inst) int32 {
	if in.Seg == decode.SegGS {
		return r.Fields.Spill[GSBaseSpill]
	}
	return r.Fields.FSBase
}

func isXlat(in *decode.Inst) bool {
	return in.Enc == decode.EncLegacy && in.OpMap == 0 && in.Opcode == 0xd7
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
	b.LoadGS(dst, r.base(in))
	r.borrowed(dst)
	b.Bytes(0x48|byte(dst>>3)<<2|byte(dst>>3), 0x8b, 0x80|byte(dst&7)<<3|byte(dst&7))
	if dst&7 == 4 {
		b.Bytes(0x24)
	}
	b.U32(uint32(in.Disp))
}

// borrowed marks the next instruction as one before which reg is in Spill[1].
func (r *Rewriter) borrowed(reg codegen.Reg) { r.borrowed2(FixReg1, reg, 0) }

func (r *Rewriter) borrowed2(fix Fix, r1, r2 codegen.Reg) {
	r.HotMarks = append(r.HotMarks, Mark{
		Host: uint32(r.Hot.PC() - r.CacheBase), Guest: uint32(r.pc), Fix: fix, RSP: r.Below, Reg1: uint8(r1), Reg2: uint8(r2),
	})
}

// byAddress emits an instruction whose operand is addressed by a borrowed register,
// which holds the sum of the operand's base, index and displacement, by the rules of
// the operand's own address size, and of the %fs base if it is in %fs. The vector
// index of a gather or scatter stays.
func (r *Rewriter) byAddress(in *decode.Inst, code []byte) {
	reg, ok := addressReg(in)
	if !ok {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	b := r.Hot
	r.address(in, code, reg)
	fix, dst := FixReg1, codegen.Reg(0)
	if in.AddrSize == 4 && directStore(in) {
		// The address size is that of the destination in a register, too.
		fix, dst = FixReg1|FixReg2, codegen.Reg(in.Reg())
		r.borrowed(reg)
		b.StoreGS(r.Fields.Spill[2], dst)
		r.borrowed(reg)
		b.Move32(dst, dst)
	}
	r.borrowed2(fix, reg, dst)
	r.emitThrough(in, code, reg)
	// The instruction has been executed: the boundary is the next one.
	r.pc = in.End()
	r.borrowed2(fix, reg, dst)
	b.LoadGS(reg, r.Fields.Spill[1])
	if fix&FixReg2 != 0 {
		r.borrowed2(FixReg2, 0, dst)
		b.LoadGS(dst, r.Fields.Spill[2])
	}
}

// directStore reports movdir64b, enqcmd and enqcmds, whose register is an address.
func directStore(in *decode.Inst) bool {
	return in.Enc == decode.EncLegacy && in.OpMap == 2 && in.Opcode == 0xf8
}

// keepsIndex reports an operand whose index is no part of one address: those of a
// gather or scatter are a vector, that of a tile is the distance of its rows.
func keepsIndex(in *decode.Inst) bool {
	return in.Class&decode.ClassVSIB != 0 ||
		in.Class&decode.ClassAMX != 0 && in.OpMap == 2 && (in.Opcode == 0x4a || in.Opcode == 0x4b)
}

// addressReg picks the register that holds the operand's address: the one that
// the instruction takes it from, or one that it does not name, among the eight
// legacy ones, so that no REX bit is needed and 8-bit operands keep their meaning.
// rbp comes last, since it costs a displacement; rsp is never one.
func addressReg(in *decode.Inst) (codegen.Reg, bool) {
	if !in.HasMem && !in.Moffs {
		return implicitReg(in), true
	}
	used := in.Reads | in.Writes
	for _, c := range [...]codegen.Reg{
		codegen.RSI, codegen.RDI, codegen.RBX, codegen.RCX, codegen.RDX, codegen.RAX, codegen.RBP,
	} {
		if used>>c&1 == 0 {
			return c, true
		}
	}
	return 0, false
}

// implicitReg is the register that addresses the operand of an instruction with
// no explicit one: maskmov, umonitor; monitorx and clzero.
func implicitReg(in *decode.Inst) codegen.Reg {
	switch in.Opcode {
	case 0xf7:
		return codegen.RDI
	case 0xae:
		return codegen.Reg(in.RM())
	}
	return codegen.RAX
}

// address loads the linear address of the operand into reg, whose own value goes to
// Spill[1].
func (r *Rewriter) address(in *decode.Inst, code []byte, reg codegen.Reg) {
	b := r.Hot
	r.mark(0, 0)
	b.StoreGS(r.Fields.Spill[1], reg)
	based := in.SegMatters() && (in.Seg == decode.SegFS || r.Options.MovingGS)
	if addr, fixed := in.Addr(); based && fixed && addr == uint64(int64(int32(addr))) {
		// The base first: the rest needs no register, as in the store that compilers emit.
		r.mark(0, 0)
		b.LoadGS(reg, r.base(in))
		if addr != 0 {
			r.borrowed(reg)
			b.AddLea(reg, int32(addr))
		}
		return
	}
	r.offset(in, code, reg)
	if !based {
		return
	}
	other := codegen.RCX
	if reg == other {
		other = codegen.RDX
	}
	r.borrowed(reg)
	b.StoreGS(r.Fields.Spill[2], other)
	r.borrowed(reg)
	b.LoadGS(other, r.base(in))
	r.borrowed2(FixReg1|FixReg2, reg, other)
	b.AddReg(reg, other)
	r.borrowed2(FixReg1|FixReg2, reg, other)
	b.LoadGS(other, r.Fields.Spill[2])
}

// offset loads the operand's offset in its segment. Until then reg has its own value.
func (r *Rewriter) offset(in *decode.Inst, code []byte, reg codegen.Reg) {
	b := r.Hot
	addr, fixed := in.Addr()
	if !in.HasMem && !in.Moffs {
		if in.AddrSize == 4 {
			r.mark(0, 0)
			b.Move32(reg, reg)
		}
		return
	}
	r.mark(0, 0)
	switch {
	case fixed:
		b.LoadImm(reg, addr)
	case keepsIndex(in) && in.Base == decode.NoReg:
		b.LoadImm(reg, uint64(in.Disp))
	case keepsIndex(in):
		b.Move(reg, codegen.Reg(in.Base))
		r.borrowed(reg)
		b.AddLea(reg, int32(in.Disp))
	default:
		if in.AddrSize == 4 {
			b.Bytes(0x67)
		}
		r.operand(in, code, 0x40|decode.RexW, 0x8d, reg)
	}
	more := int64(0)
	switch {
	case fixed || keepsIndex(in):
	case in.DispScale > 1 && in.DispLen == 1:
		more = in.Disp - int64(int8(code[in.DispOff])) // lea does not scale it
	case isPop(in) && in.Base == decode.RSP:
		more = int64(in.OpSize) // the operand is addressed when rsp has been incremented
	}
	if more == 0 {
		return
	}
	r.borrowed(reg)
	if in.AddrSize == 4 {
		b.Bytes(0x67)
	}
	b.AddLea(reg, int32(more))
}

func isPop(in *decode.Inst) bool {
	return in.Enc == decode.EncLegacy && in.OpMap == 0 && in.Opcode == 0x8f
}

// emitThrough emits in with its memory operand replaced by (%reg), in no segment.
func (r *Rewriter) emitThrough(in *decode.Inst, code []byte, reg codegen.Reg) {
	b := r.Hot
	end := prefixEnd(in)
	for _, c := range code[:end] {
		// A REX prefix among the others is ignored, and must not become the last.
		if c != 0x64 && c != 0x65 && c != 0x67 && c&0xf0 != 0x40 {
			b.Bytes(c)
		}
	}
	switch {
	case in.Moffs:
		b.Copy(code[end:in.OpOff])
		b.Bytes([...]byte{0x8a, 0x8b, 0x88, 0x89}[in.Opcode&3], byte(reg))
		return
	case !in.HasMem:
		b.Copy(code[end:in.Len])
		return
	}
	start := b.Len()
	b.Copy(code[end:in.ModRMOff])
	index := keepsIndex(in)
	// X and B extend the index and base that are gone. From VEX on they are stored
	// inverted; X of an index that stays does, too.
	switch out := b.Code(start); in.Enc {
	case decode.EncLegacy:
		if in.RexOff >= 0 {
			out[0] &^= decode.RexX | decode.RexB
		}
	case decode.EncVEX3, decode.EncXOP, decode.EncEVEX:
		out[1] |= 0x20
		if !index {
			out[1] |= 0x40
		}
	}
	// Base rbp has no form without displacement.
	mod, rm := byte(0), byte(reg)
	if reg == codegen.RBP {
		mod = 0x40
	}
	if index {
		rm = 4
	}
	b.Bytes(mod | in.ModRM&0x38 | rm)
	if index {
		b.Bytes(in.SIB&^7 | byte(reg))
	}
	if mod != 0 {
		b.Bytes(0)
	}
	b.Copy(code[memEnd(in):in.Len])
}

// memEnd is the offset behind the memory operand: of the immediate, if any.
func memEnd(in *decode.Inst) uint8 {
	if in.ImmLen > 0 {
		return uint8(in.ImmOff)
	}
	return in.Len
}
