package rewrite

import (
	"cabitrans/codegen"
	"cabitrans/decode"
)

// indirect emits an indirect jump or call. Proving the target needs a register:
// r11 is borrowed. A jump puts it back before it leaves, so that the target's
// translation needs no landing of its own; a call does so with KeepR11 only.
func (r *Rewriter) indirect(in *decode.Inst, code []byte) {
	if in.OpSize == 2 || in.Prefixes&decode.PrefixOpSize != 0 {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	if in.HasMem && r.Options.MovingBase && in.Seg == decode.SegFS {
		r.Trap(in.PC, TrapUnsupported)
		return
	}
	r.mark(0, 0)
	r.Hot.StoreGS(r.Fields.Spill[0], codegen.R11)
	reg := codegen.Reg(in.RM())
	switch {
	case in.Flow == decode.FlowCallInd && !r.Options.KeepR11:
		r.callLosing(in, code, reg)
	case !in.HasMem && reg != codegen.RSP:
		r.throughRegister(in, reg)
	default:
		r.throughSlot(in, code)
	}
}

// callLosing makes a call that loses r11, which has been stored to Spill[0] for
// the case that there is no landing yet. Restoring it would tie every call to the
// one before it, by a store and a load of the same slot.
func (r *Rewriter) callLosing(in *decode.Inst, code []byte, target codegen.Reg) {
	indirect := in.HasMem || target == codegen.RSP
	switch {
	case indirect:
		r.mark(FixR11, 0)
		r.loadTarget(in, code, 8)
	case target != codegen.R11:
		r.mark(FixR11, 0)
		r.Hot.Move(codegen.R11, target)
	}
	r.guard()
	switch {
	case indirect && (in.Base == decode.R11 || in.Index == decode.R11):
		r.restore()
		fallthrough
	case indirect:
		r.mark(FixR11, 0)
		r.loadTarget(in, code, 4)
		target = codegen.R11
	case target == codegen.R11:
		r.restore()
	}
	after := FixR11
	if indirect {
		after |= FixPC
	}
	r.leave(in, FixR11, after, FixTable, func(b *codegen.Buffer) { b.JumpTable(r.Table, target) })
}

// restore emits the load of r11's own value.
func (r *Rewriter) restore() {
	r.mark(FixR11, 0)
	r.Hot.LoadGS(codegen.R11, r.Fields.Spill[0])
}

// throughRegister branches to the guest address in a register that can index the
// table.
func (r *Rewriter) throughRegister(in *decode.Inst, target codegen.Reg) {
	if target != codegen.R11 {
		r.mark(FixR11, 0)
		r.Hot.Move(codegen.R11, target)
	}
	r.guard()
	r.restore()
	r.leave(in, 0, 0, FixTable, func(b *codegen.Buffer) { b.JumpTable(r.Table, target) })
}

// throughSlot branches to a guest address in memory (or in rsp). The host address
// goes through a slot of the thread block, since no register is free to hold it.
// The operand is read twice, as a whole to prove it and then its lower half: if
// it changes between, the branch leads to neither value, but never further than
// the table.
func (r *Rewriter) throughSlot(in *decode.Inst, code []byte) {
	b := r.Hot
	r.mark(FixR11, 0)
	r.loadTarget(in, code, 8)
	r.guard()
	if in.HasMem && (in.Base == decode.R11 || in.Index == decode.R11) {
		r.restore()
	}
	r.mark(FixR11, 0)
	r.loadTarget(in, code, 4)
	after := Fix(0)
	if in.Flow == decode.FlowCallInd {
		after = FixSlotPC
		r.mark(FixR11, 0)
		b.StoreGS(r.Fields.Spill[2], codegen.R11)
	}
	r.mark(FixR11|FixTable, 0)
	b.LoadTable(codegen.R11, r.Table, codegen.R11)
	r.mark(FixR11, 0)
	b.StoreGS(r.Fields.Spill[1], codegen.R11)
	r.restore()
	r.leave(in, 0, after, 0, func(b *codegen.Buffer) { b.JumpGS(r.Fields.Spill[1]) })
}

// leave ends an indirect branch with the host's jump, whose own mark has the
// bits of last besides. A call makes a hardware call of a thunk that drops the
// host's return address and jumps.
//
// after is the Fix once a call has pushed. With FixPC or FixSlotPC in it the state
// goes forward to the target: the pushes may have destroyed the operand, if it
// lies below rsp, so the call cannot be made again. Else it goes back.
func (r *Rewriter) leave(in *decode.Inst, fix, after, last Fix, jump func(*codegen.Buffer)) {
	if in.Flow == decode.FlowJumpInd {
		r.mark(fix|last, 0)
		jump(r.Hot)
		return
	}
	r.mark(fix, 0)
	r.Hot.PushImm(int32(in.End()))
	back := int8(1)
	if after&(FixPC|FixSlotPC) != 0 {
		back = 0
	}
	r.mark(after, back)
	r.Hot.Call(r.Cold.PC())
	r.markAt(true, Mark{Guest: uint32(in.PC), Fix: after, RSP: back + 1})
	r.Cold.AddRSP(8)
	r.markAt(true, Mark{Guest: uint32(in.PC), Fix: after | last, RSP: back})
	jump(r.Cold)
}

// guard faults unless the upper half of r11 is zero, and destroys r11: swapped
// bytes put that half below, and its complement indexes the guard page.
func (r *Rewriter) guard() {
	b := r.Hot
	r.mark(FixR11, 0)
	b.ByteSwap(codegen.R11)
	r.mark(FixR11, 0)
	b.Move32(codegen.R11, codegen.R11)
	r.mark(FixR11, 0)
	b.Not(codegen.R11)
	r.mark(FixR11|FixGuard, 0)
	b.LoadByte(codegen.R11, codegen.R11, r.Guard+1)
}

// loadTarget emits the load of the branch target, or of its lower 4 bytes, into
// r11.
func (r *Rewriter) loadTarget(in *decode.Inst, code []byte, size int) {
	if !in.HasMem {
		if size == 8 {
			r.Hot.Move(codegen.R11, codegen.RSP)
		} else {
			r.Hot.Move32(codegen.R11, codegen.RSP)
		}
		return
	}
	r.loadOperand(in, code, codegen.R11, size)
}

// loadOperand emits mov mem,%dst, of 8 or 4 bytes, for the memory operand of in.
func (r *Rewriter) loadOperand(in *decode.Inst, code []byte, dst codegen.Reg, size int) {
	b := r.Hot
	if in.Seg == decode.SegFS {
		b.Bytes(0x65)
		if size == 8 {
			r.FSRewritten++
		}
	}
	if in.AddrSize == 4 {
		b.Bytes(0x67)
	}
	rex := 0x40 | in.Rex&(decode.RexX|decode.RexB) | byte(dst>>3)<<2
	if size == 8 {
		rex |= 8
	}
	b.Bytes(rex, 0x8b, in.ModRM&^0x38|byte(dst&7)<<3)
	if in.RIPRel() {
		b.Rel32(in.End() + uint64(in.Disp))
		return
	}
	// SIB and displacement follow ModRM; nothing follows them in FF /2 and /4.
	b.Copy(code[in.ModRMOff+1 : in.Len])
}
