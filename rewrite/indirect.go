package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// indirect emits an indirect jump or call. Proving the target needs a register:
// r11 is borrowed. A jump puts it back before it leaves, so that the target's
// translation needs no landing of its own; a call does so with KeepR11 only, and
// without does not even store it where it is dead (DeadR11).
func (r *Rewriter) indirect(in *decode.Inst, code []byte) {
	if in.OpSize == 2 {
		r.Trap(in.PC, TrapFar)
		return
	}
	r.fetched = r.based(in) || in.RIPRel() && !r.ripReachable(in)
	if r.fetched {
		r.fetchTarget(in, code)
	}
	r.spilled = 0
	if r.Away || in.Flow == decode.FlowJumpInd || !r.DeadR11 || r.Options.KeepR11 || in.Reads.Has(decode.R11) {
		r.spilled = FixR11
		if !r.Away {
			r.mark(0, 0)
			r.Hot.StoreGS(r.Fields.Spill[0], codegen.R11)
		}
	}
	r.Away = false
	reg := codegen.Reg(in.RM())
	direct := !in.HasMem && reg != codegen.RSP && !r.packed() // can index the table
	switch {
	case in.Flow == decode.FlowJumpInd && !r.packed() && r.Without&WithoutLandings == 0:
		r.jumpToLanding(in, code, direct)
	case in.Flow == decode.FlowJumpInd && direct:
		r.jumpThroughRegister(reg)
	case in.Flow == decode.FlowJumpInd:
		r.throughSlot(in, code)
		r.mark(0, 0)
		r.Hot.JumpGS(r.Fields.Spill[1])
	case r.Options.KeepR11:
		r.throughSlot(in, code)
		last := func(b *codegen.Buffer) { b.CallGS(r.Fields.Spill[1]) }
		if r.Options.Strict {
			last = func(b *codegen.Buffer) { b.JumpGS(r.Fields.Spill[1]) }
		}
		r.call(in, 0, FixSlotPC, last)
	case direct && reg != codegen.R11:
		r.callThroughRegister(in, reg)
	default:
		r.callThroughR11(in, code)
	}
}

// fetchTarget loads the target of an indirect branch into Spill[3], for operands that
// need an address of their own. Until the branch is made the state goes back to before
// it, so that what is in Spill[3] then does not matter.
func (r *Rewriter) fetchTarget(in *decode.Inst, code []byte) {
	b := r.Hot
	reg, _ := addressReg(in) // it reads two registers at most, and rsp
	if r.based(in) {
		r.FSRewritten++
	}
	r.address(in, code, reg)
	r.borrowed(reg)
	b.LoadSelf(reg)
	r.borrowed(reg)
	b.StoreGS(r.Fields.Spill[3], reg)
	r.borrowed(reg)
	b.LoadGS(reg, r.Fields.Spill[1])
}

// jumpToLanding jumps and leaves r11 in Spill[0]: the landing reloads it, if need be.
func (r *Rewriter) jumpToLanding(in *decode.Inst, code []byte, direct bool) {
	target := codegen.R11
	if direct {
		target = codegen.Reg(in.RM())
		if target != codegen.R11 {
			r.mark(r.spilled, 0)
			r.Hot.Move(codegen.R11, target)
		}
		r.guard()
		if target == codegen.R11 {
			r.restore()
		}
	} else {
		r.prove(in, code)
	}
	r.mark(FixR11|FixTable, 0)
	r.Hot.JumpTable(r.Table, target)
}

// Simple reports whether in may be rewritten while r11 is Away: it is copied as a whole,
// or an indirect jump whose operand needs no other register.
func (r *Rewriter) Simple(in *decode.Inst) bool {
	switch {
	case in.Reads.Has(decode.R11) || in.Flow == decode.FlowJumpInd && in.OpSize == 2:
		return false
	case in.Flow == decode.FlowJumpInd:
		return !r.based(in) && !(in.RIPRel() && !r.ripReachable(in))
	}
	return in.Flow == decode.FlowNext && r.Bound(in) <= decode.MaxLen+1
}

// jumpThroughRegister jumps to the guest address in a register.
func (r *Rewriter) jumpThroughRegister(target codegen.Reg) {
	if target != codegen.R11 {
		r.mark(r.spilled, 0)
		r.Hot.Move(codegen.R11, target)
	}
	r.guard()
	r.restore()
	r.mark(FixTable, 0)
	r.Hot.JumpTable(r.Table, target)
}

// callThroughRegister calls the guest address in a register other than r11, which
// it loses (like callThroughR11): r11 has been stored to Spill[0] for the case
// that there is no call entry yet. Restoring it would tie every call to the one
// before it, by a store and a load of the same slot.
func (r *Rewriter) callThroughRegister(in *decode.Inst, target codegen.Reg) {
	r.mark(r.spilled, 0)
	r.Hot.Move(codegen.R11, target)
	r.upperHalf()
	r.mark(r.spilled|FixGuard, 0)
	r.Hot.LoadWord(codegen.R11, codegen.R11, r.Guard+1)
	r.call(in, r.spilled, r.spilled|FixTable, func(b *codegen.Buffer) { b.CallBasedTable(r.Table, codegen.R11, target) })
}

// callThroughR11 calls a guest address that must be loaded into r11 first.
func (r *Rewriter) callThroughR11(in *decode.Inst, code []byte) {
	r.prove(in, code)
	table := r.callIndex()
	r.call(in, r.spilled, r.spilled|FixPC|FixIndex|FixTable, func(b *codegen.Buffer) { b.CallTable(table, codegen.R11) })
}

// prove loads the target of an indirect branch into r11, proved. The operand is
// read twice, as a whole to prove it and then its lower half: if it changes
// between, the branch leads to neither value, but never further than the table.
func (r *Rewriter) prove(in *decode.Inst, code []byte) {
	if d := r.upperDisp(in); in.HasMem && !r.fetched && in.AddrSize == 8 && d == int64(int32(d)) {
		r.mark(r.spilled, 0)
		r.loadUpper(in)
		r.mark(r.spilled, 0)
		r.Hot.Not(codegen.R11)
		r.mark(r.spilled|FixGuard, 0)
		r.Hot.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
	} else {
		r.mark(r.spilled, 0)
		r.loadTarget(in, code, 8)
		r.guard()
	}
	if !r.fetched && in.HasMem && (in.Base == decode.R11 || in.Index == decode.R11) || !in.HasMem && in.RM() == decode.R11 {
		r.restore()
	}
	r.mark(r.spilled, 0)
	r.loadTarget(in, code, 4)
}

// callIndex makes the proved guest address in r11 the index of its call entry, and
// returns the displacement that goes with it.
func (r *Rewriter) callIndex() (disp int32) {
	if r.packed() {
		r.mark(r.spilled, 0)
		r.Hot.TripleLea(codegen.R11, r.Packed.Lea)
		return r.Packed.Disp + PackedCall
	}
	r.mark(r.spilled, 0)
	r.Hot.AddLea(codegen.R11, r.Calls.Lea)
	r.mark(r.spilled, 0)
	r.Hot.AddLea(codegen.R11, r.Calls.Lea)
	return r.Calls.Disp
}

func (r *Rewriter) packed() bool { return r.Packed.Lea != 0 }

// JumpMiss emits what the jump word of an address without translation leads to, and
// returns its host address: an exit by ExitLink of the kind RefIndirect, with the
// target, which is in Spill[2], as RIP. r11 is in Spill[0], too.
func (r *Rewriter) JumpMiss() uint64 {
	b, f := r.Hot, &r.Fields
	b.Align(16)
	addr := b.PC()
	r.pc = 0
	r.mark(FixSlotPC|FixR11, 0)
	b.LoadGS(codegen.R11, f.Spill[2])
	r.mark(FixSlotPC|FixR11, 0)
	b.StoreGS(f.RIP, codegen.R11)
	r.mark(FixSlotPC|FixR11, 0)
	b.LoadGS(codegen.R11, f.Spill[0])
	r.mark(FixSlotPC|FixR11, 0)
	b.StoreImmGS32(f.ExitArg, uint32(RefIndirect))
	r.mark(FixSlotPC|FixR11, 0)
	b.Jump(r.Stubs.ExitLink)
	return addr
}

// throughSlot leaves the host address of an indirect branch in Spill[1], since no
// register is free to hold it, and for a call the guest address in Spill[2].
func (r *Rewriter) throughSlot(in *decode.Inst, code []byte) {
	b := r.Hot
	r.prove(in, code)
	table := r.Table
	if in.Flow == decode.FlowCallInd || r.packed() {
		r.mark(r.spilled, 0)
		b.StoreGS(r.Fields.Spill[2], codegen.R11)
	}
	switch {
	case in.Flow == decode.FlowCallInd && !r.Options.Strict:
		table = r.callIndex()
	case r.packed():
		r.mark(r.spilled, 0)
		b.TripleLea(codegen.R11, r.Packed.Lea)
		table = r.Packed.Disp + PackedJump
	}
	r.mark(FixR11|FixTable, 0)
	b.LoadTable(codegen.R11, table, codegen.R11)
	r.mark(r.spilled, 0)
	b.StoreGS(r.Fields.Spill[1], codegen.R11)
	r.restore()
}

// call ends an indirect call: it pushes the guest's return address and makes a
// hardware call of the target's call entry.
//
// after is the Fix once that is pushed. With FixPC or FixSlotPC in it the state
// goes forward to the target: the push may have destroyed the operand, if it lies
// below rsp, so the call cannot be made again. Else it goes back.
func (r *Rewriter) call(in *decode.Inst, fix, after Fix, call func(*codegen.Buffer)) {
	r.mark(fix, 0)
	r.Hot.PushImm(int32(in.End()))
	back := int8(1)
	if after&(FixPC|FixSlotPC) != 0 {
		back = 0
	}
	r.mark(after, back)
	call(r.Hot)
}

// restore emits the load of r11's own value.
func (r *Rewriter) restore() {
	r.mark(FixR11, 0)
	r.Hot.LoadGS(codegen.R11, r.Fields.Spill[0])
}

// guard faults unless the upper half of r11 is zero, and destroys r11.
func (r *Rewriter) guard() {
	r.upperHalf()
	r.mark(r.spilled|FixGuard, 0)
	r.Hot.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
}

// upperHalf makes r11 the complement of its upper half, whose bytes it may swap:
// -1 exactly when that half is zero, and less than -1 otherwise.
func (r *Rewriter) upperHalf() {
	b := r.Hot
	r.mark(r.spilled, 0)
	b.ByteSwap(codegen.R11)
	r.mark(r.spilled, 0)
	b.Move32(codegen.R11, codegen.R11)
	r.mark(r.spilled, 0)
	b.Not(codegen.R11)
}

// upperDisp is the displacement of the upper 4 bytes of a memory operand of 8.
func (r *Rewriter) upperDisp(in *decode.Inst) int64 {
	if in.Seg == decode.SegFS {
		return in.Disp + 4 + int64(r.FS.Disp) // FS.Disp is 0 unless the operand is an absolute address: see movable
	}
	return in.Disp + 4
}

// loadUpper emits the load of the upper 4 bytes of the branch target, in memory, into r11.
func (r *Rewriter) loadUpper(in *decode.Inst) {
	b := r.Hot
	disp := r.upperDisp(in)
	if in.Seg == decode.SegFS {
		b.Bytes(r.FS.Prefix)
		r.FSRewritten++
	}
	rex := 0x44 | in.Rex&(decode.RexX|decode.RexB)
	const field = byte(codegen.R11&7) << 3
	switch {
	case in.RIPRel():
		b.Bytes(0x44, 0x8b, 5|field)
		b.Rel32(in.End() + uint64(disp))
	case in.Mod() == 0 && in.Base == decode.NoReg: // with a SIB byte, and always 32 bits
		b.Bytes(rex, 0x8b, 4|field, in.SIB)
		b.U32(uint32(disp))
	default:
		mod := byte(0x40)
		if disp != int64(int8(disp)) {
			mod = 0x80
		}
		b.Bytes(rex, 0x8b, mod|field|in.RM3())
		if in.RM3() == 4 {
			b.Bytes(in.SIB)
		}
		if mod == 0x40 {
			b.Bytes(byte(disp))
		} else {
			b.U32(uint32(disp))
		}
	}
}

// loadTarget emits the load of the branch target, or of its lower 4 bytes, into
// r11.
func (r *Rewriter) loadTarget(in *decode.Inst, code []byte, size int) {
	switch {
	case r.fetched && size == 4:
		r.Hot.LoadGS32(codegen.R11, r.Fields.Spill[3])
		return
	case r.fetched:
		r.Hot.LoadGS(codegen.R11, r.Fields.Spill[3])
		return
	case !in.HasMem:
		if reg := codegen.Reg(in.RM()); size == 4 {
			r.Hot.Move32(codegen.R11, reg)
		} else {
			r.Hot.Move(codegen.R11, reg)
		}
		return
	}
	r.loadOperand(in, code, codegen.R11, size)
}

// loadOperand emits mov mem,%dst, of 8 or 4 bytes, for the memory operand of in.
func (r *Rewriter) loadOperand(in *decode.Inst, code []byte, dst codegen.Reg, size int) {
	b := r.Hot
	if in.Seg == decode.SegFS {
		b.Bytes(r.FS.Prefix)
		if size == 8 {
			r.FSRewritten++
		}
	}
	if in.AddrSize == 4 {
		b.Bytes(0x67)
	}
	rex := byte(0x40)
	if size == 8 {
		rex |= decode.RexW
	}
	if in.Seg == decode.SegFS && r.FS.Disp != 0 { // an absolute address: see movable
		b.Bytes(rex|byte(dst>>3)<<2, 0x8b, byte(dst&7)<<3|4, 0x25)
		b.U32(uint32(in.Disp + int64(r.FS.Disp)))
		return
	}
	r.operand(in, code, rex, 0x8b, dst)
}

// operand emits opcode with the memory operand of in and register dst; rex has
// what it needs besides. No immediate may follow.
func (r *Rewriter) operand(in *decode.Inst, code []byte, rex, opcode byte, dst codegen.Reg) {
	b := r.Hot
	rex |= byte(dst>>3) << 2
	field := byte(dst&7) << 3
	switch {
	case !in.RIPRel():
		b.Bytes(rex|in.Rex&(decode.RexX|decode.RexB), opcode, in.ModRM&^0x38|field)
		b.Copy(code[in.ModRMOff+1 : memEnd(in)]) // SIB and displacement
	case r.ripReachable(in):
		b.Bytes(rex, opcode, 5|field)
		b.Rel32(in.End() + uint64(in.Disp))
	default:
		panic("rewrite: a RIP-relative operand out of reach")
	}
}
